use std::sync::{Arc, PoisonError, RwLock};

/// The model in use, which another can take the place of while it is used.
///
/// Whoever has begun with one model ends with it; it is closed when the last of them has let go of it.
#[derive(Debug)]
pub struct Live<M>(RwLock<Arc<M>>);

impl<M> Live<M> {
    pub fn new(model: M) -> Self {
        Live(RwLock::new(Arc::new(model)))
    }

    /// The one in use now. Keep it for a whole question, so that its answer comes from one model.
    pub fn current(&self) -> Arc<M> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Opens another one and puts it in place. It is opened, checked and warmed up while the old one goes on, and the
    /// old one, which is given back, stays in place if that fails.
    ///
    /// # Errors
    /// Whatever opening it says.
    pub fn replace<E>(&self, open: impl FnOnce() -> Result<M, E>) -> Result<Arc<M>, E> {
        let new = Arc::new(open()?);
        let mut current = self.0.write().unwrap_or_else(PoisonError::into_inner);
        Ok(std::mem::replace(&mut *current, new))
    }
}
