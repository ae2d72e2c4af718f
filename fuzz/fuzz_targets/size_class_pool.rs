#![cfg_attr(fuzzing, no_main)]

typed_pool_fuzz::target!(size_class_pool);
