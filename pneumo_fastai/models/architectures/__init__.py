"""The networks, a file each: its name is what `arch` takes, its `network` builds one with fresh weights for one channel and two classes.
Each has `features(x)`, its last maps (n, channels, h, w), `head(maps)`, their logits, of which `forward` is made, and `last`, the name of
the layer that ends the head. What else `network` takes are the fields of `recipe.Network` that mean something to it."""
