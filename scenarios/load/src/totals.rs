//! What the whole run came to.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::sample::{ClassSample, InstanceSample, Sample, Slice, add_counts, merge_instance};

/// The sum of all samples of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Totals {
    /// Time from the start of the plan to the end of the drain, seconds.
    pub elapsed_s: f64,
    /// CPU time of the generator's thread, seconds; absent where the system cannot tell.
    pub generator_cpu_s: Option<f64>,
    /// Sums by class, in the order of the plan.
    pub classes: Vec<ClassTotals>,
}

/// The sum of one class over the run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ClassTotals {
    /// The class.
    pub class: String,
    /// Requests that the schedule asked for.
    pub scheduled: u64,
    /// Requests handed to a connection. Fewer than `scheduled` means that the generator could not keep its schedule.
    pub sent: u64,
    /// Requests answered with a status below 400.
    pub ok: u64,
    /// Requests that failed, by [`error_class`](crate::error_class).
    pub errors: BTreeMap<String, u64>,
    /// Idempotent requests sent a second time on a fresh connection.
    pub reconnects: u64,
    /// Connections opened.
    pub connections_opened: u64,
    /// Requests that had to wait for a connection.
    pub waited: u64,
    /// Requests in flight integrated over the run, request·seconds.
    pub in_flight_time_s: f64,
    /// Sums over the slices of each window, in order of first appearance; `index` is that of the first slice.
    pub windows: Vec<Slice>,
    /// Answers by window and instance.
    pub by_instance: Vec<InstanceSample>,
}

impl Totals {
    /// Adds one sample.
    pub fn add(&mut self, sample: &Sample) {
        self.elapsed_s = sample.at_s;
        if let Some(cpu_s) = sample.generator_cpu_s {
            self.generator_cpu_s = Some(self.generator_cpu_s.unwrap_or(0.0) + cpu_s);
        }
        for class in &sample.classes {
            match self.classes.iter_mut().find(|mine| mine.class == class.class) {
                Some(mine) => mine.add(class),
                None => {
                    let mut mine = ClassTotals {
                        class: class.class.clone(),
                        ..ClassTotals::default()
                    };
                    mine.add(class);
                    self.classes.push(mine);
                }
            }
        }
    }

    /// The totals of a class, if the plan has it.
    #[must_use]
    pub fn class(&self, name: &str) -> Option<&ClassTotals> {
        self.classes.iter().find(|class| class.class == name)
    }
}

impl ClassTotals {
    fn add(&mut self, sample: &ClassSample) {
        self.scheduled += sample.scheduled;
        self.sent += sample.sent;
        self.ok += sample.ok;
        add_counts(&mut self.errors, &sample.errors);
        self.reconnects += sample.reconnects;
        self.connections_opened += sample.connections_opened;
        self.waited += sample.waited;
        self.in_flight_time_s += sample.in_flight_time_s;
        for slice in &sample.slices {
            match self.windows.iter_mut().find(|mine| mine.window == slice.window) {
                Some(mine) => mine.merge(slice),
                None => self.windows.push(slice.clone()),
            }
        }
        for instance in &sample.by_instance {
            merge_instance(&mut self.by_instance, instance.clone());
        }
    }

    /// The sum over all windows; its `window` is empty and its `index` 0.
    #[must_use]
    pub fn all(&self) -> Slice {
        let mut all = Slice::default();
        for window in &self.windows {
            all.merge(window);
        }
        all
    }
}
