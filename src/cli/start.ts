import { Command, Option } from 'commander';
import { isLoopback } from '../config/address.ts';
import type { Config } from '../config/config.ts';
import { DataDirError } from '../io/load-node.ts';
import { createLog } from '../io/log.ts';
import { type RunningNode, runNode } from '../io/run-node.ts';
import type { Log } from '../ports/log.ts';
import { Failure } from './failure.ts';
import { loadConfig } from './load-config.ts';
import { explainListenError } from './ports.ts';
import { addSettingOptions, settingFlags } from './setting-options.ts';
import type { Shell } from './shell.ts';
import { onStopSignals } from './signals.ts';

/** What is left of `shutdown-timeout` for the exit itself. */
const EXIT_GRACE_MS = 250;

/** The flag of a node that its parent ends: Ctrl-C is not for it, and it stops when the parent is gone. */
export const END_WITH_PARENT = 'end-with-parent';

/** `coterie start`: runs one node until it is told to stop. */
export function startCommand(shell: Shell): Command {
  const command = new Command('start').summary('run a node').description('Runs one node until SIGTERM or Ctrl-C.');
  addSettingOptions(command);
  command.addOption(new Option(`--${END_WITH_PARENT}`).hideHelp());
  return command.action(() => start(command, shell));
}

async function start(command: Command, shell: Shell): Promise<void> {
  const options = command.opts<{ config?: string; endWithParent?: boolean }>();
  const config = loadConfig(settingFlags(command), options.config, shell.env);
  const log = createLog(config);
  warnOfOpenDoors(config, log);

  const started = runNode(config, log);
  const stopped = stopWhenTold(started, config, log, options.endWithParent === true);
  let turnedAway: Promise<string>;
  try {
    ({ turnedAway } = await started);
  } catch (error) {
    if (error instanceof DataDirError) throw new Failure(1, error.message);
    throw explainListenError(error);
  }
  const reason = await Promise.race([stopped, turnedAway]);
  if (reason !== undefined) throw new Failure(1, reason);
}

/** Settles when the node has been told to stop and has drained, or the time for that is over. */
function stopWhenTold(
  started: Promise<RunningNode>,
  config: Config,
  log: Log,
  endWithParent: boolean,
): Promise<undefined> {
  return new Promise(resolve => {
    let stopping = false;
    const stop = (reason: string) => {
      if (stopping) return;
      stopping = true;
      log.info('stopping', { reason });
      leave(started, config, log)
        .then(() => drain(started, config, log))
        .then(() => resolve(undefined));
    };
    const stopAtOnce = (signal: string) => {
      log.warn('told twice to stop: exits at once', { signal });
      process.exit(1);
    };
    onStopSignals(stop, stopAtOnce, endWithParent ? ['SIGINT', 'SIGHUP'] : []);
    if (endWithParent) process.once('disconnect', () => stop('its parent is gone'));
  });
}

/** With `leave-on-shutdown` the node first hands on what it has. */
async function leave(started: Promise<RunningNode>, config: Config, log: Log): Promise<void> {
  if (!config.leaveOnShutdown) return;
  log.info('leaving the cluster');
  const trouble = await started.then(
    node => node.leave(),
    (error: unknown) => String(error),
  );
  if (trouble !== undefined) log.warn('stops without having left the cluster', { reason: trouble });
}

async function drain(started: Promise<RunningNode>, config: Config, log: Log): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeIsUp = new Promise<string>(resolve => {
    const boundMs = Math.max(0, config.shutdownTimeoutMs - EXIT_GRACE_MS);
    timer = setTimeout(() => resolve('stopped before everything in flight was answered'), boundMs);
  });
  const drained = started
    .then(node => node.drain())
    .then(
      () => undefined,
      (error: unknown) => `stopped after an error: ${error}`,
    );
  const trouble = await Promise.race([drained, timeIsUp]);
  clearTimeout(timer);
  if (trouble === undefined) log.info('stopped');
  else log.warn(trouble, { afterMs: config.shutdownTimeoutMs });
}

/** A door that others can reach and that has no lock is a choice; it should be a known one. */
function warnOfOpenDoors(config: Config, log: Log): void {
  if (!isLoopback(config.bind) && config.password === '') {
    log.warn('clients on other machines need no password; set COTERIE_PASSWORD', { bind: config.bind });
  }
  if (!isLoopback(config.busBind) && config.clusterSecret === '') {
    log.warn('other machines may join as nodes; set COTERIE_CLUSTER_SECRET', { busBind: config.busBind });
  }
}
