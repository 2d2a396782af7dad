//! Finding and loading ONNX Runtime. A process loads it once, so that everything about what cannot be loaded is tested
//! in one that then loads what can, and everything about finding it in processes of their own.

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use lehr_scoring::{Error, Runtime};
use support::{Files, library};

/// Compiles a library from C.
fn compiled(files: &Files, name: &str, source: &str) -> PathBuf {
    let (source, library) = (files.write(&format!("{name}.c"), source.as_bytes()), files.path().join(name));
    let status = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(source).status();
    assert!(status.expect("there is a C compiler").success());
    library
}

/// One that says it is ONNX Runtime of this version, and has no interface.
fn pretending(version: &str) -> String {
    format!(
        "struct base {{ const void *(*get_api)(unsigned); const char *(*get_version)(void); }};
         static const void *get_api(unsigned version) {{ (void)version; return 0; }}
         static const char *get_version(void) {{ return \"{version}\"; }}
         static const struct base base = {{ get_api, get_version }};
         const struct base *OrtGetApiBase(void) {{ return &base; }}"
    )
}

#[track_caller]
fn said(path: &Path) -> String {
    match Runtime::load(Some(path)) {
        Err(error @ Error::NoRuntime { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_cannot_be_used_is_told_and_does_not_stand_in_the_way_of_what_can() {
    let files = Files::new();
    let missing = files.path().join("nowhere.so");
    let text = files.write("text.so", b"not a library");
    let other = compiled(&files, "other.so", "int nothing;");
    let old = compiled(&files, "old.so", &pretending("1.22.0"));
    let empty = compiled(&files, "empty.so", &pretending("1.31.1"));
    let odd = compiled(&files, "odd.so", &pretending("newest"));
    for (path, problem) in [
        (&missing, "there is no such file"),
        (&text, "it cannot be loaded"),
        (&other, "it is not ONNX Runtime: it has no OrtGetApiBase"),
        (&old, "it is version 1.22.0, needed is 1.24 or later"),
        (&empty, "it is version 1.31.1, needed is 1.24 or later"),
        (&odd, "its version \"newest\" cannot be read"),
    ] {
        let said = said(path);
        assert!(said.starts_with("no ONNX Runtime 1.24 or later was found: "), "{said}");
        assert!(said.contains(&format!("{}: {problem}", path.display())), "{said}");
    }

    let runtime = Runtime::load(Some(&library())).expect("it loads");
    assert_eq!((runtime.path(), runtime.version().as_str()), (library().as_path(), "1.31.1"));
    // From now on this one is there, and no other can be.
    assert_eq!(Runtime::load(None).expect("it is loaded").path(), library());
    match Runtime::load(Some(&old)) {
        Err(error @ Error::OtherRuntime { .. }) => assert!(error.to_string().contains("is loaded from")),
        other => panic!("{other:?}"),
    }
}

/// In a process of its own: says what it finds.
#[test]
fn finder() {
    if std::env::var_os("LEHR_TEST_FINDER").is_some() {
        match Runtime::load(None) {
            Ok(runtime) => println!("found {}", runtime.path().display()),
            Err(error) => println!("failed {error}"),
        }
    }
}

/// What a binary in this folder finds.
fn found(folder: &Path, cache: &Path) -> String {
    let binary = folder.join("binary");
    std::fs::copy(std::env::current_exe().expect("this test"), &binary).expect("it is copied");
    let output = Command::new(&binary)
        .args(["--exact", "finder", "--nocapture"])
        .env("LEHR_TEST_FINDER", "1")
        .env("LEHR_CACHE", cache)
        // What `ort` would look at by itself, and panic over.
        .env("ORT_DYLIB_PATH", "/nowhere/libonnxruntime.so")
        .output()
        .expect("it runs");
    let text = String::from_utf8(output.stdout).expect("text");
    let mut lines = text.lines().filter_map(|line| line.find("found ").or(line.find("failed ")).map(|at| &line[at..]));
    lines.next_back().unwrap_or_else(|| panic!("it said nothing: {text}")).to_owned()
}

#[test]
fn it_is_found_beside_the_binary_or_else_in_the_cache() {
    let (beside, cache) = (Files::new(), Files::new());
    let said = found(beside.path(), cache.path());
    let expected = [beside.path().to_owned(), cache.path().join("onnxruntime")];
    for folder in &expected {
        assert!(said.contains(&format!("{}: no libonnxruntime.so there", folder.display())), "{said}");
    }

    std::fs::create_dir(cache.path().join("onnxruntime")).expect("a folder");
    let cached = cache.path().join("onnxruntime/libonnxruntime.so.1.31.1");
    std::os::unix::fs::symlink(library(), &cached).expect("a link");
    assert_eq!(found(beside.path(), cache.path()), format!("found {}", cached.display()));

    // An old one beside the binary is passed over, a good one taken.
    compiled(&beside, "libonnxruntime.so.1.22.0", &pretending("1.22.0"));
    assert_eq!(found(beside.path(), cache.path()), format!("found {}", cached.display()));
    let own = beside.path().join("libonnxruntime.so.1.31.1");
    std::os::unix::fs::symlink(library(), &own).expect("a link");
    assert_eq!(found(beside.path(), cache.path()), format!("found {}", own.display()));
}
