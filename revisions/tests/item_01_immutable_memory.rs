//! A thousand versions of a document of 1 MB, of which each changes one leaf, take less than 10 MB in all. A process of
//! its own, since nobody else may take or give back memory meanwhile.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use std::fs;

use annals_core::codec::encode;
use annals_revisions::{Immutable, List, Map, Set};
use serde::Serialize;

const VERSIONS: usize = 1_000;
const MEGABYTE: u64 = 1_000_000;

/// Returns the bytes of memory that the process has.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

fn leaf(number: usize) -> String {
    format!("{number:0100}")
}

/// Makes a thousand versions of a document, each from the one before, and measures them all. Returns what looks at them
/// and drops them, for when all else is measured: memory that was given back would be taken for another's.
fn measure<T>(
    shape: &'static str,
    document: impl FnOnce() -> T,
    change: impl Fn(&mut T, usize),
) -> Box<dyn FnOnce()>
where
    T: Serialize + Clone + PartialEq + 'static,
{
    let before = resident();
    let mut versions = vec![Immutable::new(document())];
    let alone = resident() - before;
    for number in 0..VERSIONS {
        let next = versions[number].update(|draft| change(draft, number));
        versions.push(next);
    }
    let taken = resident() - before;
    println!("{shape}: {alone} bytes for one version, {taken} for {}", versions.len());
    assert!(taken < 10 * MEGABYTE, "{shape}: {taken} bytes for {} versions", versions.len());
    Box::new(move || {
        assert!(encode(&*versions[0]).unwrap().len() as u64 >= MEGABYTE, "{shape} is too small");
        assert!(versions.windows(2).all(|pair| pair[0] != pair[1]), "{shape}: a version changes nothing");
    })
}

/// A document of any shape.
#[derive(Clone, PartialEq, Eq, Serialize)]
enum Node {
    Text(String),
    List(List<Node>),
    Map(Map<String, Node>),
}

/// Returns maps and lists of ten in turns, so many levels deep, with texts below.
fn tree(levels: u32, first: usize) -> Node {
    let step = 10_usize.pow(levels);
    let below = (0..10).map(|child| match levels {
        0 => Node::Text(leaf(first + child)),
        _ => tree(levels - 1, first + child * step),
    });
    if levels.is_multiple_of(2) {
        Node::List(below.collect())
    } else {
        Node::Map(below.enumerate().map(|(child, node)| (format!("child {child}"), node)).collect())
    }
}

/// Returns the leaf to which the digits of the number lead.
fn find(node: &mut Node, number: usize) -> &mut String {
    let (child, rest) = (number % 10, number / 10);
    match node {
        Node::Text(text) => text,
        Node::List(list) => find(&mut list[child], rest),
        Node::Map(map) => find(map.get_mut(&*format!("child {child}")).unwrap(), rest),
    }
}

#[test]
fn a_thousand_versions_of_a_large_document_take_little_memory() {
    let place = |number: usize| number * 7_919 % 10_000;
    let page = |page: usize| -> Map<String, String> {
        (0..10).map(|line| (format!("line {line}"), leaf(page * 10 + line))).collect()
    };
    let measured = [
        measure(
            "a map of lists of maps",
            || -> Map<String, List<Map<String, String>>> {
                let chapter = |chapter: usize| (0..100).map(|number| page(chapter * 100 + number)).collect();
                (0..10).map(|number| (format!("chapter {number}"), chapter(number))).collect()
            },
            |draft, number| {
                let place = place(number);
                let chapter = draft.get_mut(&*format!("chapter {}", place / 1_000)).unwrap();
                chapter[place / 10 % 100].insert(format!("line {}", place % 10), leaf(number + 10_000));
            },
        ),
        measure(
            "a tree of four levels",
            || tree(3, 0),
            |draft, number| *find(draft, place(number)) = leaf(number + 10_000),
        ),
        measure(
            "a list",
            || (0..10_000).map(leaf).collect::<List<String>>(),
            |draft, number| draft[place(number)] = leaf(number + 10_000),
        ),
        measure(
            "a map",
            || (0..10_000).map(|number| (leaf(number), number)).collect::<Map<String, usize>>(),
            |draft, number| draft[&leaf(place(number))] += 10_000,
        ),
        measure(
            "a set",
            || (0..10_000).map(leaf).collect::<Set<String>>(),
            |draft, number| {
                assert!(draft.remove(&leaf(place(number))) && draft.insert(leaf(number + 10_000)));
            },
        ),
    ];
    measured.into_iter().for_each(|look| look());
}
