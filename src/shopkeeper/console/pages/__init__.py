"""One file per page of the console: gather the parts, hand them to a template."""
