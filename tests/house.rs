//! The order of `src/lib.rs` is law: a room imports only rooms listed below it, and doors do not know each other.
#![allow(clippy::expect_used, reason = "a test that cannot read the house has failed")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};

/// Rooms that translate a wire. None may import another, nor `gateway`.
const DOORS: [&str; 7] = ["sip", "web", "links", "oidc", "mail", "federation", "cluster"];

/// Collects the second segment of every `crate::…` and `einwahl::…` path, with its line.
#[derive(Default)]
struct Imports {
    found: Vec<String>,
}

impl Imports {
    fn walk_use(&mut self, tree: &syn::UseTree, prefix: &[String]) {
        match tree {
            syn::UseTree::Path(path) => {
                let mut prefix = prefix.to_vec();
                prefix.push(path.ident.to_string());
                self.walk_use(&path.tree, &prefix);
            }
            syn::UseTree::Group(group) => group.items.iter().for_each(|item| self.walk_use(item, prefix)),
            syn::UseTree::Name(name) => self.note(prefix, Some(name.ident.to_string())),
            syn::UseTree::Rename(rename) => self.note(prefix, Some(rename.ident.to_string())),
            syn::UseTree::Glob(_) => self.note(prefix, None),
        }
    }

    fn note(&mut self, prefix: &[String], last: Option<String>) {
        let whole: Vec<String> = prefix.iter().cloned().chain(last).collect();
        if let [root, room, ..] = whole.as_slice()
            && (root == "crate" || root == "einwahl")
        {
            self.found.push(room.clone());
        }
    }
}

impl<'ast> Visit<'ast> for Imports {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.walk_use(&item.tree, &[]);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.note(&segments, None);
        visit::visit_path(self, path);
    }

    /// A story inside a room may set the scene with what lies above it.
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        let is_test = item.attrs.iter().any(|attr| {
            attr.path().is_ident("cfg") && attr.parse_args::<syn::Path>().is_ok_and(|what| what.is_ident("test"))
        });
        if !is_test {
            visit::visit_item_mod(self, item);
        }
    }
}

fn order() -> Vec<String> {
    let lib = syn::parse_file(&fs::read_to_string("src/lib.rs").expect("src/lib.rs")).expect("src/lib.rs parses");
    lib.items
        .iter()
        .filter_map(|item| if let syn::Item::Mod(room) = item { Some(room.ident.to_string()) } else { None })
        .collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder of the house").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
    found
}

fn trespasses(room: &str, imported: &str, floor: &BTreeMap<String, usize>) -> Option<String> {
    let (from, to) = (floor.get(room)?, floor.get(imported)?);
    if to < from {
        return Some(format!("{room} imports {imported}, which lies above it"));
    }
    let both_doors = DOORS.contains(&room) && DOORS.contains(&imported) && room != imported;
    both_doors.then(|| format!("the doors {room} and {imported} know each other"))
}

#[test]
fn every_room_imports_only_rooms_below_it() {
    let order = order();
    let floor: BTreeMap<String, usize> = order.iter().cloned().enumerate().map(|(at, room)| (room, at)).collect();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for room in &order {
        for file in files(&Path::new("src").join(room)) {
            let source = fs::read_to_string(&file).expect("a source file");
            let mut imports = Imports::default();
            imports.visit_file(&syn::parse_file(&source).expect("a source file parses"));
            seen += 1;
            wrong.extend(
                imports
                    .found
                    .iter()
                    .filter_map(|to| trespasses(room, to, &floor))
                    .map(|what| format!("{}: {what}", file.display())),
            );
        }
    }
    wrong.dedup();
    assert!(seen > 10, "only {seen} files were read: is the test run from the package's root?");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_upward_import_and_a_door_that_knows_a_door_are_seen() {
    let floor: BTreeMap<String, usize> =
        ["gateway", "sip", "web", "room"].iter().enumerate().map(|(at, room)| (room.to_string(), at)).collect();
    assert!(trespasses("room", "sip", &floor).is_some());
    assert!(trespasses("sip", "web", &floor).is_some());
    assert!(trespasses("web", "gateway", &floor).is_some());
    assert!(trespasses("gateway", "room", &floor).is_none());
}
