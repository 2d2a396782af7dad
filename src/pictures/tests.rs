use super::*;
use crate::verify::State;
use lehr_camera::{SIDE, png};
use lehr_domain::picture::Content;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

/// A picture of one colour, and its file.
fn picture(colour: u8) -> Vec<u8> {
    png(&vec![colour; 3 * SIDE * SIDE], SIDE, SIDE).unwrap()
}

fn store(data: &Path, bound: Bound) -> PictureStore {
    PictureStore::open(Pictures::of(data), bound).unwrap()
}

fn at_most(pictures: u64) -> Bound {
    Bound { pictures, ..Bound::default() }
}

fn file_of(data: &Path, content: Content) -> PathBuf {
    let text = content.to_string();
    data.join(FOLDER).join(&text[..2]).join(format!("{text}.png"))
}

/// Which of the pictures of these colours are there.
fn there(store: &PictureStore, colours: impl IntoIterator<Item = u8>) -> Vec<u8> {
    let is_there = |colour: &u8| match store.pictures().get(files::content_of(&picture(*colour))) {
        Ok(bytes) => {
            assert_eq!(bytes, picture(*colour));
            true
        }
        Err(PictureError::Gone(_)) => false,
        Err(error) => panic!("{error}"),
    };
    colours.into_iter().filter(is_there).collect()
}

#[test]
fn what_is_put_is_got_by_what_it_holds() {
    let data = tempfile::tempdir().unwrap();
    let store = store(data.path(), Bound::default());
    let content = store.put(&picture(7)).unwrap();
    assert_eq!(store.put(&picture(7)).unwrap(), content, "the same again is the same");
    assert_eq!(store.pictures().get(content).unwrap(), picture(7));
    assert_eq!(store.pictures().rgb(content).unwrap(), vec![7; 3 * SIDE * SIDE]);
    assert_eq!(file_of(data.path(), content).metadata().unwrap().len(), picture(7).len() as u64);
    let figures = store.figures();
    assert_eq!((figures.pictures, figures.bytes), (1, picture(7).len() as u64));
    let other = Content([1; Content::BYTES]);
    assert!(matches!(store.pictures().get(other), Err(PictureError::Gone(gone)) if gone == other));
    assert_eq!(store.figures().failures, 0, "that a picture is gone is no failure");
}

/// Notes what it is told of.
#[derive(Debug, Default)]
struct Noting(Mutex<Vec<Content>>);

impl Viewer for Noting {
    fn expect(&self, content: Content) {
        self.0.lock().unwrap().push(content);
    }

    fn is_pending(&self, content: Content) -> bool {
        self.0.lock().unwrap().contains(&content)
    }

    fn settle(&self, _: Content, _: Duration) {}

    fn looked(&self) -> Looked {
        Looked { ahead: self.0.lock().unwrap().len() as u64, passed_over: 0 }
    }
}

#[test]
fn who_looks_is_told_of_every_picture_that_is_kept() {
    let data = tempfile::tempdir().unwrap();
    let viewer = Arc::new(Noting::default());
    let blind = store(data.path(), Bound::default());
    let content = blind.put(&picture(1)).unwrap();
    assert!(!blind.is_pending(content), "nobody is there to look");
    let store = blind.with_viewer(viewer.clone());
    let content = store.put(&picture(7)).unwrap();
    assert!(store.put(b"no picture").is_err());
    assert_eq!(*viewer.0.lock().unwrap(), [content]);
    assert!(store.pictures().get(content).is_ok() && store.is_pending(content));
    assert_eq!(store.figures().looked.ahead, 1);
}

#[test]
fn what_is_no_picture_of_ware_is_refused_and_leaves_nothing() {
    let data = tempfile::tempdir().unwrap();
    let store = store(data.path(), Bound::default());
    let small = png(&[0; 3 * 16 * 16], 16, 16).unwrap();
    let mut large = picture(1);
    large.resize(PICTURE_MOST + 1, 0);
    for (file, wanted) in [
        (&b"not a picture"[..], "no PNG file"),
        (&picture(1)[..100], "no PNG file"),
        (&small, "16 × 16 pixels; take 224 × 224"),
        (&large, "1048577 bytes, and may have 1048576"),
    ] {
        let said = store.put(file).unwrap_err().to_string();
        assert!(said.contains(wanted), "{wanted}: {said}");
    }
    assert!(!data.path().join(FOLDER).exists());
    assert_eq!(store.figures(), Figures::default(), "what somebody sent is no failure of the store");
}

#[test]
fn a_damaged_picture_is_told_and_never_handed_out() {
    let data = tempfile::tempdir().unwrap();
    let store = store(data.path(), Bound::default());
    let content = store.put(&picture(7)).unwrap();
    let path = file_of(data.path(), content);
    let mut bent = picture(7);
    *bent.last_mut().unwrap() ^= 1;
    for bytes in [bent, picture(8), Vec::new(), vec![0; PICTURE_MOST + 10]] {
        fs::write(&path, bytes).unwrap();
        assert!(matches!(store.pictures().get(content), Err(PictureError::Damaged(_))));
        assert!(matches!(store.pictures().rgb(content), Err(PictureError::Damaged(_))));
    }
    assert_eq!(store.figures().failures, 8);
    store.put(&picture(7)).unwrap();
    assert_eq!(store.pictures().get(content).unwrap(), picture(7), "when it comes again it is mended");
}

#[test]
fn the_oldest_leave_first_by_number_and_by_bytes() {
    let data = tempfile::tempdir().unwrap();
    let few = store(data.path(), at_most(3));
    for colour in 0..5 {
        few.put(&picture(colour)).unwrap();
    }
    assert_eq!(there(&few, 0..5), [2, 3, 4]);
    few.put(&picture(2)).unwrap();
    few.put(&picture(5)).unwrap();
    assert_eq!(there(&few, 0..6), [2, 4, 5], "what came again is new again");
    assert_eq!((few.figures().pictures, few.figures().left), (3, 3));

    let data = tempfile::tempdir().unwrap();
    let size = |colour: u8| picture(colour).len() as u64;
    let bytes = size(2) + size(3);
    let small = store(data.path(), Bound { bytes, ..Bound::default() });
    for colour in 0..4 {
        small.put(&picture(colour)).unwrap();
        assert!(small.figures().bytes <= bytes);
    }
    assert_eq!(there(&small, 0..4), [2, 3]);
}

#[test]
fn a_restart_keeps_the_order_and_removes_what_is_beyond_a_smaller_bound() {
    let data = tempfile::tempdir().unwrap();
    let first = store(data.path(), Bound::default());
    // Faster than the times of most file systems move on.
    for colour in (0..60).rev() {
        first.put(&picture(colour)).unwrap();
    }
    drop(first);
    let second = store(data.path(), at_most(40));
    assert_eq!(there(&second, 0..60), Vec::from_iter(0..40));
    assert_eq!((second.figures().pictures, second.figures().left), (40, 20));
    for colour in 60..99 {
        second.put(&picture(colour)).unwrap();
    }
    assert_eq!(
        there(&second, 0..99),
        Vec::from_iter([0].into_iter().chain(60..99)),
        "the oldest of before leave first"
    );
}

#[test]
fn a_clock_that_goes_back_does_not_make_a_picture_old() {
    let data = tempfile::tempdir().unwrap();
    let first = store(data.path(), Bound::default());
    let ahead = first.put(&picture(1)).unwrap();
    let file = fs::File::options().write(true).open(file_of(data.path(), ahead)).unwrap();
    file.set_modified(SystemTime::now() + Duration::from_secs(86_400)).unwrap();
    drop((first, file));
    let second = store(data.path(), at_most(2));
    second.put(&picture(2)).unwrap();
    second.put(&picture(3)).unwrap();
    assert_eq!(there(&second, 1..4), [2, 3]);
}

#[test]
fn what_a_crash_left_unfinished_goes_and_what_is_not_of_lehr_stays() {
    let data = tempfile::tempdir().unwrap();
    let first = store(data.path(), Bound::default());
    let content = first.put(&picture(1)).unwrap();
    let path = file_of(data.path(), content);
    let unfinished = crate::replace::partial(&path);
    fs::write(&unfinished, &picture(2)[..50]).unwrap();
    let foreign = [path.with_file_name("notes.txt"), data.path().join(FOLDER).join("notes.txt")];
    foreign.iter().for_each(|path| fs::write(path, "notes").unwrap());
    let second = store(data.path(), Bound::default());
    assert!(!unfinished.exists() && foreign.iter().all(|path| path.exists()));
    assert_eq!(second.figures().pictures, 1);
}

#[test]
fn what_cannot_be_written_is_a_failure_until_the_next_is_written() {
    let data = tempfile::tempdir().unwrap();
    let store = store(data.path(), Bound::default());
    // A file where the folder should be: there nobody can write, root neither.
    let blocked = data.path().join(FOLDER);
    fs::write(&blocked, "").unwrap();
    assert!(matches!(store.put(&picture(1)), Err(PictureError::Io { .. })));
    let figures = store.figures();
    assert_eq!((figures.failures, figures.pictures), (1, 0));
    assert!(figures.failing.is_some());
    fs::remove_file(blocked).unwrap();
    store.put(&picture(1)).unwrap();
    let figures = store.figures();
    assert_eq!((figures.failures, figures.pictures, figures.failing), (1, 1, None));
}

#[test]
fn files_are_checked_one_by_one() {
    let data = tempfile::tempdir().unwrap();
    assert!(check(data.path()).is_empty(), "without pictures there is nothing to say");
    let store = store(data.path(), Bound::default());
    let contents: Vec<Content> = (0..3).map(|colour| store.put(&picture(colour)).unwrap()).collect();
    let found = check(data.path());
    assert_eq!((found.len(), found[0].state), (1, State::Good));
    assert!(found[0].found.starts_with("3 pictures, "), "{found:?}");
    let path = file_of(data.path(), contents[1]);
    fs::write(&path, &picture(1)[..60]).unwrap();
    fs::write(crate::replace::partial(&path), "").unwrap();
    fs::write(path.with_file_name("notes.txt"), "notes").unwrap();
    let found = check(data.path());
    let of = |state: State| found.iter().filter(|finding| finding.state == state).count();
    assert_eq!((of(State::Good), of(State::Note), of(State::Damaged)), (1, 2, 1), "{found:?}");
    let damaged = found.iter().find(|finding| finding.state == State::Damaged).unwrap();
    assert!(data.path().join(&damaged.file) == path && damaged.advice.contains("restore"), "{damaged:?}");
}
