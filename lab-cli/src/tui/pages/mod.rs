//! The pages of the laboratory, one file each: what it holds, what its keys do, how it is drawn.

pub mod home;
pub mod lesson;
pub mod live;
pub mod playing;
pub mod predict;
pub mod verdict;

pub use home::Home;
pub use live::Live;
pub use predict::Predict;
pub use verdict::VerdictPage;

use super::paper::Paper;

/// One page.
pub enum Page {
    /// The curriculum.
    Home(Box<Home>),
    /// The question before a run.
    Predict(Box<Predict>),
    /// A run under way, a recorded one, a playground, a system that is watched.
    Live(Box<Live>),
    /// What came of a run.
    Verdict(Box<VerdictPage>),
    /// Any text: a lesson, the keys, a failure.
    Paper(Paper),
}
