//! The learner's costs: one gradient step, and identifying role models as the history grows.

use std::hint::black_box;

use candle_core::Tensor;
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use rmrl::learn::policy::{Normalise, Patches, Policy, Widths};
use rmrl::learn::role_model::{RoleModelOptions, RoleModels};
use rmrl::learn::{Adam, Decision, Experience};
use rmrl::task::{Feedback, Image, ImageSize, Phase, Pose2, Stream, Streams, TrialKey};

#[global_allocator]
static GLOBAL: mimalloc::MiMalloc = mimalloc::MiMalloc;

const BATCH: usize = 64;
const BINS: usize = 7;

/// The costs do not depend on what is seen.
fn picture(index: u64) -> Image {
    let pixel =
        |i: usize| ((i as u64).wrapping_mul(2_654_435_761).wrapping_add(index * 97) >> 7) as u8;
    Image::of(ImageSize::default(), pixel)
}

fn trial(index: u64) -> Experience {
    let wave = |k: f64| 3.0 * (index as f64 * k).sin();
    let offset = Pose2::new(wave(0.7), wave(1.3), wave(2.1));
    let correction = Pose2::new(wave(0.3), wave(0.9), wave(1.7));
    let reward = -(correction.inverse().compose(offset)).translation_mm() / 5.0;
    Experience {
        trial: index,
        image: picture(index),
        instance: Some((index % 50) as usize),
        pose: None,
        truth: None,
        outcome: rmrl::task::Outcome::Placed,
        executed: None,
        decision: Decision::at(correction),
        feedback: Feedback { reward, unsigned: None, signed: None },
    }
}

/// Forward, backward and optimiser on a batch of 64 ready-made images: what
/// `tests/peers/torch_policy_step.py` does in PyTorch.
fn gradient_step(c: &mut Criterion) {
    let key = TrialKey { phase: Phase::Train, index: 0 };
    let mut draw = Streams::new(1).draw(Stream::Weights, key);
    let cut = Patches::new(ImageSize::default());
    let mut run = || -> candle_core::Result<_> {
        let policy = Policy::new(Widths::default(), ImageSize::default(), BINS, &mut draw)?;
        let trials: Vec<_> = (0..BATCH as u64).map(trial).collect();
        let images = cut.of(trials.iter().map(|t| &t.image), Normalise::Image)?;
        let targets = Tensor::full(1.0 / BINS as f32, (BATCH, 3, BINS), images.device())?;
        Ok((policy, trials, images, targets))
    };
    let (policy, trials, images, targets) = run().expect("a policy and its batch");
    let mut adam = Adam::new(1e-3, 5.0, policy.params().iter().map(|(_, var)| var));
    let mut step = || -> candle_core::Result<f64> {
        let log_probs = candle_nn::ops::log_softmax(&policy.logits(&images)?, 2)?;
        let loss = (log_probs * &targets)?.sum_all()?.affine(-1.0 / BATCH as f64, 0.0)?;
        adam.step(policy.params().iter().map(|(_, var)| var), &loss.backward()?)
    };
    c.bench_function("gradient step, batch 64", |b| b.iter(|| step().expect("a step")));
    c.bench_function("images to patches, batch 64", |b| {
        b.iter(|| cut.of(black_box(&trials).iter().map(|t| &t.image), Normalise::Image))
    });
}

/// Twenty more trials after so many.
fn label_refresh(c: &mut Criterion) {
    let history: Vec<_> = (0..10_020).map(trial).collect();
    for trials in [1_000, 10_000] {
        let models = RoleModels::rebuild(RoleModelOptions::default(), &history[..trials]);
        c.bench_function(&format!("label refresh after {trials} trials"), |b| {
            b.iter_batched_ref(
                || models.clone(),
                |models| models.refresh(&history[..trials + 20]),
                BatchSize::LargeInput,
            )
        });
    }
}

criterion_group!(benches, gradient_step, label_refresh);
criterion_main!(benches);
