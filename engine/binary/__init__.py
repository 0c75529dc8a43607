"""One file that extracts one schema: the engine, Python, llama.cpp, the schema and the model, for machines without network.

In: what SCHEMA names, a model file, and where the file goes. Out: an executable for Linux that needs the C library and
nothing else. `builder` binds the steps: `pyinstaller` collects the runtime with PyInstaller, `packing` puts it behind a
launcher of its own together with the model, `smoke_test` runs the result before it gets its name.

Why not PyInstaller's own single file: it unpacks everything at every start, the model with it. Here the runtime is
unpacked once into the cache and shared, and the model is mapped from where it lies in the file.
"""
