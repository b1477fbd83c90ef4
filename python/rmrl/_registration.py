import gymnasium

# The last word of the environment's name, and the experiment.
EXPERIMENTS = {
    "Place-v0": "narrow",
    "Place-narrow-v0": "narrow",
    "Place-wide-v0": "wide",
    "Place-shelf-v0": "shelf-direct",
    "Place-drift-v0": "drift",
}


def register():
    """Makes the environments `rmrl/Place-...` known to Gymnasium; twice does no harm."""
    for name, experiment in EXPERIMENTS.items():
        if f"rmrl/{name}" not in gymnasium.registry:
            gymnasium.register(
                id=f"rmrl/{name}",
                entry_point="rmrl.env:PlaceEnv",
                vector_entry_point="rmrl.vector:PlaceVectorEnv",
                kwargs={"experiment": experiment},
            )
