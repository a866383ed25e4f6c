"""The datasets we know, in readable files, and the controlled list of objects."""
