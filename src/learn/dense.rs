use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor, bail};

/// `f(x W + b)` with f the rectifier or nothing: one pass over memory where separate bias and
/// rectifier would make four, and no gradient for an input that needs none.
///
/// x is read as (rows, k) whatever its shape, so that merging neighbouring rows costs nothing;
/// W is (k, n), b is (n), the result (rows, n).
#[derive(Clone, Copy, Debug)]
pub struct Dense {
    pub rectify: bool,
}

impl Dense {
    pub fn forward(self, x: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
        x.apply_op3(weight, bias, self)
    }
}

impl CustomOp3 for Dense {
    fn name(&self) -> &'static str {
        "dense"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (k, n) = weight_layout.shape().dims2()?;
        let rows = x_layout.shape().elem_count() / k;
        if !x_layout.is_contiguous() || rows * k != x_layout.shape().elem_count() {
            bail!("dense: cannot read {:?} as rows of {k}", x_layout.shape());
        }
        let x_layout = Layout::contiguous_with_offset((rows, k), x_layout.start_offset());
        let mut out = x.matmul(weight, (1, rows, n, k), &x_layout, weight_layout)?;
        let bias = &bias.as_slice::<f32>()?[bias_layout.start_offset()..][..n];
        let CpuStorage::F32(values) = &mut out else { bail!("dense: f32 only") };
        let floor = if self.rectify { 0.0 } else { f32::NEG_INFINITY };
        for row in values.chunks_exact_mut(n) {
            for (value, b) in row.iter_mut().zip(bias) {
                let sum = *value + b;
                // Unlike f32::max, this lets NaN through: a diverged policy must be noticed.
                *value = if sum < floor { floor } else { sum };
            }
        }
        Ok((out, (rows, n).into()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        _bias: &Tensor,
        out: &Tensor,
        out_grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (k, n) = weight.dims2()?;
        let rows = out.dim(0)?;
        let (through, bias_grad) = self.through_rectifier(out, &out_grad.contiguous()?, n)?;
        let through = Tensor::from_vec(through, (rows, n), x.device())?;
        let x_rows = x.detach().reshape((rows, k))?;
        let weight_grad = x_rows.t()?.matmul(&through)?;
        let x_grad = match x.track_op() {
            true => Some(through.matmul(&weight.detach().t()?)?.reshape(x.dims())?),
            false => None,
        };
        Ok((x_grad, Some(weight_grad), Some(Tensor::from_vec(bias_grad, n, x.device())?)))
    }
}

impl Dense {
    /// The gradient before the rectifier, and its sum over rows.
    fn through_rectifier(
        &self,
        out: &Tensor,
        out_grad: &Tensor,
        n: usize,
    ) -> Result<(Vec<f32>, Vec<f32>)> {
        let (out, out_layout) = out.storage_and_layout();
        let (grad, grad_layout) = out_grad.storage_and_layout();
        let (candle_core::Storage::Cpu(out), candle_core::Storage::Cpu(grad)) = (&*out, &*grad)
        else {
            bail!("dense: CPU only")
        };
        let out = &out.as_slice::<f32>()?[out_layout.start_offset()..];
        let mut through = grad.as_slice::<f32>()?[grad_layout.start_offset()..]
            [..grad_layout.shape().elem_count()]
            .to_vec();
        let mut bias_grad = vec![0.0; n];
        for (row, out) in through.chunks_exact_mut(n).zip(out.chunks_exact(n)) {
            if self.rectify {
                for (g, o) in row.iter_mut().zip(out) {
                    *g = if *o > 0.0 { *g } else { 0.0 };
                }
            }
            for (sum, g) in bias_grad.iter_mut().zip(row.iter()) {
                *sum += g;
            }
        }
        Ok((through, bias_grad))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{Device, Var};

    fn ramp(shape: (usize, usize), phase: f32) -> Tensor {
        let values: Vec<f32> =
            (0..shape.0 * shape.1).map(|i| (i as f32 * 0.7 + phase).sin()).collect();
        Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
    }

    #[test]
    fn gradients_equal_those_of_separate_operations() {
        let x = Var::from_tensor(&ramp((6, 4), 0.1)).unwrap();
        let w = Var::from_tensor(&ramp((8, 5), 0.2)).unwrap();
        let b = Var::from_tensor(&ramp((1, 5), 0.3).reshape(5).unwrap()).unwrap();
        for rectify in [true, false] {
            let fused = Dense { rectify }.forward(&x, &w, &b).unwrap();
            let plain = x.reshape((3, 8)).unwrap().matmul(&w).unwrap().broadcast_add(&b).unwrap();
            let plain = if rectify { plain.relu().unwrap() } else { plain };
            let grads = |out: &Tensor| {
                let out = (out * ramp((3, 5), 0.9)).unwrap().sum_all().unwrap();
                let grads = out.backward().unwrap();
                [&x, &w, &b]
                    .map(|v| grads.get(v).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap())
            };
            for (ours, theirs) in grads(&fused).iter().zip(grads(&plain)) {
                for (a, b) in ours.iter().zip(theirs) {
                    assert!((a - b).abs() < 1e-5, "{a} {b}");
                }
            }
        }
    }

    #[test]
    fn not_a_number_passes_through_the_rectifier() {
        let x = Tensor::new(&[[f32::NAN]], &Device::Cpu).unwrap();
        let one = Tensor::new(&[[1f32]], &Device::Cpu).unwrap();
        let out = Dense { rectify: true }.forward(&x, &one, &one.reshape(1).unwrap()).unwrap();
        assert!(out.to_vec2::<f32>().unwrap()[0][0].is_nan());
    }
}
