//! `PoolBox` in the place of `Box`: a tree, a list and a graph whose nodes own nodes of the pool
//! they are in.

use std::cell::{Cell, RefCell};

use super::{Pool, PoolBox};

struct Tree<'p> {
    key: u32,
    left: Option<PoolBox<'p, Tree<'p>>>,
    right: Option<PoolBox<'p, Tree<'p>>>,
}

impl<'p> Tree<'p> {
    fn insert(link: &mut Option<PoolBox<'p, Self>>, pool: &'p Pool<Self>, key: u32) {
        match link {
            None => *link = Some(pool.alloc(Tree { key, left: None, right: None })),
            Some(node) if key < node.key => Self::insert(&mut node.left, pool, key),
            Some(node) => Self::insert(&mut node.right, pool, key),
        }
    }

    fn walk(link: &Option<PoolBox<'p, Self>>, visit: &mut impl FnMut(u32)) {
        if let Some(node) = link {
            Self::walk(&node.left, visit);
            visit(node.key);
            Self::walk(&node.right, visit);
        }
    }

    /// Takes the smallest key out.
    fn pop(link: &mut Option<PoolBox<'p, Self>>) -> Option<u32> {
        if let Some(left) = &mut link.as_mut()?.left {
            if left.left.is_some() {
                return Self::pop(&mut link.as_mut()?.left);
            }
            let mut taken = link.as_mut()?.left.take()?;
            link.as_mut()?.left = taken.right.take();
            return Some(taken.key);
        }
        let node = PoolBox::into_inner(link.take()?);
        *link = node.right;
        Some(node.key)
    }
}

#[test]
fn a_binary_tree_sorts() {
    let pool = Pool::new();
    let mut keys: Vec<u32> = (0..if cfg!(miri) { 50 } else { 2000 }).collect();
    fastrand::Rng::with_seed(5).shuffle(&mut keys);
    let mut root = None;
    keys.iter().for_each(|key| Tree::insert(&mut root, &pool, *key));
    assert_eq!(pool.len(), keys.len());
    let mut walked = Vec::new();
    Tree::walk(&root, &mut |key| walked.push(key));
    assert!(walked.is_sorted() && walked.len() == keys.len());
    for key in 0..keys.len() as u32 / 2 {
        assert_eq!(Tree::pop(&mut root), Some(key));
    }
    assert_eq!(pool.len(), keys.len() - keys.len() / 2);
    drop(root);
    assert!(pool.is_empty());
}

struct Link<'p> {
    value: usize,
    next: Option<PoolBox<'p, Link<'p>>>,
}

#[test]
fn a_linked_list_reverses() {
    let pool = Pool::new();
    let mut list = None;
    for value in 0..1000 {
        list = Some(pool.alloc(Link { value, next: list }));
    }
    let mut reversed = None;
    while let Some(mut link) = list {
        list = link.next.take();
        link.next = reversed;
        reversed = Some(link);
    }
    let mut expected = 0;
    let mut cursor = &reversed;
    while let Some(link) = cursor {
        assert_eq!(link.value, expected);
        expected += 1;
        cursor = &link.next;
    }
    assert_eq!((expected, pool.len()), (1000, 1000));
    // Cut in the middle: the tail goes, the head stays.
    reversed.as_mut().unwrap().next = None;
    assert_eq!(pool.len(), 1);
    drop(reversed);
    assert!(pool.is_empty());
}

struct Vertex<'p> {
    name: u32,
    /// Edges that own their target.
    owned: RefCell<Vec<PoolBox<'p, Vertex<'p>>>>,
    /// An edge that only refers, by name.
    back: Cell<Option<u32>>,
}

#[test]
fn a_graph_of_owning_and_referring_edges_goes_with_its_root() {
    let pool = Pool::new();
    let vertex =
        |name| pool.alloc(Vertex { name, owned: RefCell::default(), back: Cell::new(None) });
    let root = vertex(0);
    for name in 1..=10 {
        let child = vertex(name);
        child.back.set(Some(root.name));
        for leaf in 0..10 {
            let leaf = vertex(name * 100 + leaf);
            leaf.back.set(Some(child.name));
            child.owned.borrow_mut().push(leaf);
        }
        root.owned.borrow_mut().push(child);
    }
    assert_eq!(pool.len(), 111);
    let moved = root.owned.borrow_mut().swap_remove(3);
    let names: u32 = moved.owned.borrow().iter().filter_map(|leaf| leaf.back.get()).sum();
    assert_eq!(names, 10 * moved.name);
    root.owned.borrow()[0].owned.borrow_mut().push(moved);
    assert_eq!(pool.len(), 111);
    let branch = root.owned.borrow_mut().remove(0);
    drop(branch);
    assert_eq!(pool.len(), 111 - 22);
    drop(root);
    assert!(pool.is_empty());
    pool.check_invariants();
}
