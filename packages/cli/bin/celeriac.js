#!/usr/bin/env node
// Checked in, so that npm can link the command before the packages are built.
import '../dist/main.js';
