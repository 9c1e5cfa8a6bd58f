#!/usr/bin/env node
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

// Halves the time until a command has started, from the second time on; where there is nowhere to keep the cache there is none. Not in
// the system's directory for temporary files, which others may write to: what is in a cache is run.
const { XDG_CACHE_HOME, HOME } = process.env;
const cacheHome = XDG_CACHE_HOME || (HOME && join(HOME, '.cache'));
if (cacheHome) enableCompileCache(join(cacheHome, 'coterie'));
const { runProgram } = await import('./cli/program.ts');

// Who reads a pipe may go when they have seen enough; that is no failure.
process.stdout.on('error', () => {});

const status = await runProgram(process.argv.slice(2), {
  env: process.env,
  out: text => process.stdout.write(text),
  err: text => process.stderr.write(text),
});
// A start that failed half-way may have left sockets open.
process.exit(status);
