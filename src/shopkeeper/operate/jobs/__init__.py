"""Work that the server does on its own: declared as data, once per due moment, on the record."""
