"""Random search on the identity cell: search_identity.py METHOD CONFIGURATIONS OUT.json

Each configuration on seeds 1000-1002; the four best, and the defaults, again on 1000-1007. Score:
mm + deg in-scene + mm + deg held-out. Configuration 0 is the defaults of the day.
Needs `cargo build --release --example tune_identity`.
"""

import json
import os
import random
import re
import subprocess
import sys

BINARY = "target/release/examples/tune_identity"
os.environ["RAYON_NUM_THREADS"]="1"
method, n, out = sys.argv[1], int(sys.argv[2]), sys.argv[3]
common = dict(lr=[3e-4,1e-3,3e-3], target_sigma_bins=[0.0,0.5,0.7,1.0], explore_prob=[0.0,0.5], explore_sigma_bins=[1.0,2.0], decode=["argmax","expectation"])
pg = dict(common, lr=[1e-3,3e-3,1e-2], baseline=["mean","scene"], entropy=[0.0,0.003,0.01,0.03], standardise=["true","false"], minibatch=[2,5,10,20])
rm = dict(common, steps=[3,10,20], pg_weight=[0.0,0.1,1.0], label_weight=["one","reward","advantage"])
space = {"reinforce": dict(pg, lr=[1e-3,3e-3,1e-2]), "ppo": dict(pg, lr=[3e-4,1e-3,3e-3], epochs=[5,10,20], clip=[0.1,0.2,0.3]), "rm-rl": rm, "rm-rl-online": rm, "rm-rl-pretrained": dict(rm, pretrain_steps=[50,100,300]),
 "true-labels": dict(common, steps=[3,10,20])}[method]
rng = random.Random(method+"2")
def run(cfg, seeds):
    args=[f"{k}={v}" for k,v in cfg.items()]
    r=subprocess.run([BINARY,method,str(seeds),"1000","narrow"]+args,capture_output=True,text=True)
    if r.returncode: return None, r.stderr[-200:]
    f=[float(x) for x in re.findall(r"[\d.]+(?= /| %)", r.stdout.split("|",1)[1])]
    return f[0]+f[1]+f[3]+f[4], f
rows=[]
for i in range(n):
    cfg={} if i==0 else {k:rng.choice(v) for k,v in space.items()}
    s,f=run(cfg,3)
    rows.append((s if s is not None else 99,cfg,f)); print(i,s,f,cfg,flush=True)
rows.sort(key=lambda r:r[0])
final=[]
for s,cfg,f in rows[:4]+[r for r in rows if not r[1]]:
    s2,f2=run(cfg,8); final.append((s2,cfg,f2)); print("FINAL",s2,f2,cfg,flush=True)
json.dump(dict(method=method,rows=rows,final=final),open(out,"w"))
