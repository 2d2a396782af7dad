use super::PICTURE_MOST;
use lehr_camera::CameraError;
use lehr_domain::picture::Content;
use std::io;
use std::path::PathBuf;

/// Why a picture is not taken or handed out.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    #[error("the picture has {bytes} bytes, and may have {PICTURE_MOST}; compress it more")]
    TooLarge { bytes: usize },
    #[error("the picture cannot be taken: {0}")]
    NoPicture(#[from] CameraError),
    /// It never came, or left by the bound.
    #[error(
        "picture {0} is not there: the oldest leave when there are too many, and --pictures-most says how many stay"
    )]
    Gone(Content),
    #[error("picture {0} is damaged: its file has other bytes than were written; restore it from a copy, or remove it")]
    Damaged(Content),
    #[error("cannot {action} {}", path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

impl PictureError {
    pub(super) fn io(action: &'static str, path: impl Into<PathBuf>, source: io::Error) -> PictureError {
        PictureError::Io { action, path: path.into(), source }
    }
}
