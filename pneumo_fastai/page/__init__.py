"The page to look at a model: what it says of a radiograph that is dropped on it. Streamlit draws it; `script.py` is what it runs."
