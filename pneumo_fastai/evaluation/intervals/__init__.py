"Numbers, and how far chance alone may have moved them."
