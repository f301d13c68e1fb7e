#!/usr/bin/env node
import module from 'node:module';

module.enableCompileCache?.(); // from Node 22.8 on: what was compiled once is read back at the next start
await import('../dist/cli/main.js');
