#!/usr/bin/env node
import { runProgram } from './cli/program.ts';

// Who reads a pipe may go when they have seen enough; that is no failure.
process.stdout.on('error', () => {});

const status = await runProgram(process.argv.slice(2), {
  env: process.env,
  out: text => process.stdout.write(text),
  err: text => process.stderr.write(text),
});
// A start that failed half-way may have left sockets open.
process.exit(status);
