//! Who writes pictures, and sees to it that they do not grow without end.

use super::files::content_of;
use super::order::Order;
use super::{Bound, Looked, PICTURE_MOST, PictureError, Pictures, Viewer};
use crate::causes::with_causes;
use lehr_camera::pixels;
use lehr_domain::picture::Content;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// The only one who writes the pictures of a data directory: whoever makes it holds the journal's lock.
#[derive(Debug)]
pub struct PictureStore {
    pictures: Pictures,
    bound: Bound,
    /// Held while a picture is written, so that two never take the same room.
    order: Mutex<Order>,
    counts: Counts,
    viewer: Option<Arc<dyn Viewer>>,
}

/// Read without waiting for the disk.
#[derive(Debug, Default)]
struct Counts {
    pictures: AtomicU64,
    bytes: AtomicU64,
    left: AtomicU64,
    unwritten: AtomicU64,
    /// Why the last write failed; `None` when it did not.
    failing: Mutex<Option<String>>,
}

/// How the store stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    pub pictures: u64,
    pub bytes: u64,
    /// Pictures that left by the bound since the start.
    pub left: u64,
    /// Pictures that could not be written, read, or were damaged, since the start.
    pub failures: u64,
    /// Why the last picture could not be written; `None` when it was.
    pub failing: Option<String>,
    pub looked: Looked,
}

impl PictureStore {
    /// Takes stock of what is there; removes what was left unfinished, and what is beyond the bound. Reads no picture.
    pub fn open(pictures: Pictures, bound: Bound) -> Result<PictureStore, PictureError> {
        let mut order = Order::default();
        for (content, came, bytes) in pictures.take_stock()? {
            order.insert(content, came, bytes);
        }
        let (empty, counts) = (Mutex::new(Order::default()), Counts::default());
        let store = PictureStore { pictures, bound, order: empty, counts, viewer: None };
        store.make_room(&mut order, None)?;
        store.counts.note(&order);
        *store.order.lock().unwrap_or_else(PoisonError::into_inner) = order;
        Ok(store)
    }

    /// With somebody who is told of each picture that is put.
    pub fn with_viewer(self, viewer: Arc<dyn Viewer>) -> PictureStore {
        PictureStore { viewer: Some(viewer), ..self }
    }

    pub fn pictures(&self) -> &Pictures {
        &self.pictures
    }

    /// Takes the PNG file of a picture, 224 × 224 pixels of RGB with 8 bits each. It is durable when this returns, and the
    /// newest: also when it was there already.
    ///
    /// # Errors
    /// When it is no such file, or cannot be written. Nothing is taken then.
    pub fn put(&self, file: &[u8]) -> Result<Content, PictureError> {
        if file.len() > PICTURE_MOST {
            return Err(PictureError::TooLarge { bytes: file.len() });
        }
        pixels(file)?;
        let written = self.write(file);
        let problem = written.as_ref().err().map(|error| with_causes(error));
        if problem.is_some() {
            self.counts.unwritten.fetch_add(1, Ordering::Relaxed);
        }
        *self.counts.failing.lock().unwrap_or_else(PoisonError::into_inner) = problem;
        if let (Ok(content), Some(viewer)) = (&written, &self.viewer) {
            viewer.expect(*content);
        }
        written
    }

    /// Whether somebody is still to look at a picture. An event that names it makes its tick wait for that.
    pub fn is_pending(&self, content: Content) -> bool {
        self.viewer.as_ref().is_some_and(|viewer| viewer.is_pending(content))
    }

    /// Waits until nobody is to look at a picture any more, or so long at most.
    pub fn settle(&self, content: Content, patience: Duration) {
        if let Some(viewer) = &self.viewer {
            viewer.settle(content, patience);
        }
    }

    fn write(&self, file: &[u8]) -> Result<Content, PictureError> {
        let (content, bytes) = (content_of(file), file.len() as u64);
        // What is in it is only ever changed after the disk, so that it holds after a panic.
        let mut order = self.order.lock().unwrap_or_else(PoisonError::into_inner);
        self.make_room(&mut order, Some((content, bytes)))?;
        let came = order.next(SystemTime::now());
        self.pictures.write(content, file, came)?;
        order.insert(content, came, bytes);
        self.counts.note(&order);
        Ok(content)
    }

    fn make_room(&self, order: &mut Order, newcomer: Option<(Content, u64)>) -> Result<(), PictureError> {
        while let Some(leaves) = order.leaves(self.bound, newcomer) {
            self.pictures.remove(leaves)?;
            order.remove(leaves);
            self.counts.left.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    pub fn figures(&self) -> Figures {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Figures {
            pictures: of(&self.counts.pictures),
            bytes: of(&self.counts.bytes),
            left: of(&self.counts.left),
            failures: of(&self.counts.unwritten) + self.pictures.unread(),
            failing: self.counts.failing.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            looked: self.viewer.as_ref().map(|viewer| viewer.looked()).unwrap_or_default(),
        }
    }
}

impl Counts {
    fn note(&self, order: &Order) {
        self.pictures.store(order.pictures(), Ordering::Relaxed);
        self.bytes.store(order.bytes(), Ordering::Relaxed);
    }
}
