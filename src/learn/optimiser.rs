use std::cell::RefCell;

use candle_core::backprop::GradStore;
use candle_core::{CpuStorage, InplaceOp1, Layout, Result, Storage, Tensor, Var, bail};

/// Adam (Kingma and Ba, 2015) after clipping the gradient's norm, fused into one pass that
/// writes the parameters in place.
#[derive(Clone, Debug, PartialEq)]
pub struct Adam {
    lr: f64,
    clip_norm: f64,
    steps: u64,
    moments: Vec<Moments>,
}

/// Running means of one parameter's gradient and of its square.
#[derive(Clone, Debug, PartialEq)]
pub struct Moments {
    pub mean: Vec<f32>,
    pub square: Vec<f32>,
}

const BETA: [f64; 2] = [0.9, 0.999];
const EPSILON: f32 = 1e-8;

impl Adam {
    /// For these parameters, which [`step`](Self::step) wants in the same order.
    pub fn new<'a>(lr: f64, clip_norm: f64, params: impl Iterator<Item = &'a Var>) -> Self {
        let zeros = |var: &Var| Moments {
            mean: vec![0.0; var.elem_count()],
            square: vec![0.0; var.elem_count()],
        };
        Self { lr, clip_norm, steps: 0, moments: params.map(zeros).collect() }
    }

    /// One step down the gradient; a parameter without a gradient stays where it is. Returns the
    /// gradient's norm before clipping. Nothing is changed if that is not finite.
    pub fn step<'a>(
        &mut self,
        params: impl Iterator<Item = &'a Var> + Clone,
        grads: &GradStore,
    ) -> Result<f64> {
        let mut square_sum = 0.0;
        for grad in params.clone().filter_map(|var| grads.get(var)) {
            square_sum += with_values(grad, sum_of_squares)?;
        }
        let norm = square_sum.sqrt();
        if !norm.is_finite() {
            return Ok(norm);
        }
        self.steps += 1;
        let scale = (self.clip_norm / norm).min(1.0) as f32;
        let unbias = BETA.map(|beta| 1.0 - libm::pow(beta, self.steps as f64));
        let rate = (self.lr / unbias[0]) as f32;
        let root = (1.0 / unbias[1]) as f32;
        for (var, moments) in params.zip(&mut self.moments) {
            let Some(grad) = grads.get(var) else { continue };
            with_values(grad, |grad| {
                let grad = (grad, scale);
                var.inplace_op1(&Update { grad, rate, root, moments: RefCell::new(moments) })
            })??;
        }
        Ok(norm)
    }

    pub fn steps(&self) -> u64 {
        self.steps
    }

    pub fn moments(&self) -> &[Moments] {
        &self.moments
    }

    /// Continues from a saved state; `None` if it is of other parameters.
    pub fn restored(mut self, steps: u64, moments: Vec<Moments>) -> Option<Self> {
        let fits = |(old, new): (&Moments, &Moments)| {
            old.mean.len() == new.mean.len() && old.square.len() == new.square.len()
        };
        if moments.len() != self.moments.len() || !self.moments.iter().zip(&moments).all(fits) {
            return None;
        }
        (self.steps, self.moments) = (steps, moments);
        Some(self)
    }
}

struct Update<'a> {
    /// Gradient and the factor that clips it.
    grad: (&'a [f32], f32),
    rate: f32,
    root: f32,
    moments: RefCell<&'a mut Moments>,
}

impl InplaceOp1 for Update<'_> {
    fn name(&self) -> &'static str {
        "adam"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let CpuStorage::F32(values) = storage else { bail!("adam: f32 only") };
        let values = &mut values[layout.start_offset()..][..layout.shape().elem_count()];
        let mut moments = self.moments.borrow_mut();
        let Moments { mean, square } = &mut **moments;
        let [keep, keep_square] = BETA.map(|b| b as f32);
        let (grad, scale) = self.grad;
        for (((value, m), v), g) in values.iter_mut().zip(mean).zip(square).zip(grad) {
            let g = g * scale;
            *m = nothing_if_tiny(keep * *m + (1.0 - keep) * g);
            *v = nothing_if_tiny(keep_square * *v + (1.0 - keep_square) * g * g);
            *value -= self.rate * *m / ((*v * self.root).sqrt() + EPSILON);
        }
        Ok(())
    }
}

/// Moments of a unit that has died decay into subnormal numbers, on which a processor is a hundred
/// times slower: the step then costs more the longer a run is.
fn nothing_if_tiny(moment: f32) -> f32 {
    if moment.abs() < 1e-30 { 0.0 } else { moment }
}

fn with_values<T>(tensor: &Tensor, read: impl FnOnce(&[f32]) -> T) -> Result<T> {
    let tensor = tensor.contiguous()?;
    let (storage, layout) = tensor.storage_and_layout();
    let Storage::Cpu(storage) = &*storage else { bail!("CPU only") };
    let values = storage.as_slice::<f32>()?;
    Ok(read(&values[layout.start_offset()..][..layout.shape().elem_count()]))
}

/// In eight lanes, so that the compiler may use vector registers: a float sum has a fixed order.
fn sum_of_squares(values: &[f32]) -> f64 {
    let (chunks, rest) = values.as_chunks::<8>();
    let mut lanes = [0f32; 8];
    for chunk in chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane += value * value;
        }
    }
    let rest = rest.iter().map(|value| value * value);
    lanes.into_iter().chain(rest).map(f64::from).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    fn var(values: &[f32]) -> Var {
        Var::from_slice(values, values.len(), &Device::Cpu).unwrap()
    }

    #[test]
    fn moments_of_a_dead_unit_end_at_nothing_and_not_among_subnormal_numbers() {
        let x = var(&[1.0, 1.0]);
        let mut adam = Adam::new(1e-3, 5.0, [&x].into_iter());
        let both = x.as_tensor().sum_all().unwrap().backward().unwrap();
        adam.step([&x].into_iter(), &both).unwrap();
        let first = x.as_tensor().narrow(0, 0, 1).unwrap().sum_all().unwrap().backward().unwrap();
        for _ in 0..900 {
            adam.step([&x].into_iter(), &first).unwrap();
        }
        let mean = &adam.moments()[0].mean;
        assert!(mean[0] > 0.9 && mean[1] == 0.0, "{mean:?}");
    }

    fn descend(adam: &mut Adam, x: &Var, steps: usize) {
        for _ in 0..steps {
            let loss = (x.as_tensor() - 3.0).unwrap().sqr().unwrap().sum_all().unwrap();
            adam.step([x].into_iter(), &loss.backward().unwrap()).unwrap();
        }
    }

    #[test]
    fn it_finds_the_bottom_of_a_bowl() {
        let x = var(&[0.0, 10.0, -4.0]);
        let mut adam = Adam::new(0.1, 5.0, [&x].into_iter());
        descend(&mut adam, &x, 500);
        for value in x.to_vec1::<f32>().unwrap() {
            assert!((value - 3.0).abs() < 1e-2, "{value}");
        }
    }

    #[test]
    fn the_first_step_is_the_learning_rate_whatever_the_gradient() {
        let x = var(&[0.0, 100.0]);
        let mut adam = Adam::new(0.5, 5.0, [&x].into_iter());
        descend(&mut adam, &x, 1);
        let moved = x.to_vec1::<f32>().unwrap();
        assert!((moved[0] - 0.5).abs() < 1e-5 && (moved[1] - 99.5).abs() < 1e-4, "{moved:?}");
    }

    #[test]
    fn a_restored_optimiser_takes_the_same_steps_bit_for_bit() {
        let (x, y) = (var(&[0.0, 9.0]), var(&[0.0, 9.0]));
        let mut whole = Adam::new(0.1, 5.0, [&x].into_iter());
        descend(&mut whole, &x, 20);
        let mut first = Adam::new(0.1, 5.0, [&y].into_iter());
        descend(&mut first, &y, 7);
        let fresh = Adam::new(0.1, 5.0, [&y].into_iter());
        let mut second = fresh.restored(first.steps(), first.moments().to_vec()).unwrap();
        descend(&mut second, &y, 13);
        assert_eq!(x.to_vec1::<f32>().unwrap(), y.to_vec1::<f32>().unwrap());
    }

    #[test]
    fn a_gradient_that_is_not_finite_changes_nothing() {
        let x = var(&[1.0]);
        let mut adam = Adam::new(0.1, 5.0, [&x].into_iter());
        let loss = (x.as_tensor() * f64::NAN).unwrap().sum_all().unwrap();
        let norm = adam.step([&x].into_iter(), &loss.backward().unwrap()).unwrap();
        assert!(norm.is_nan());
        assert_eq!((x.to_vec1::<f32>().unwrap(), adam.steps()), (vec![1.0], 0));
    }
}
