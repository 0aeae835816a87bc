"How fast it is: what `bench` measures."
