import { Command, Option } from 'commander';
import { isLoopback } from '../config/address.ts';
import type { Config } from '../config/config.ts';
import { createLog } from '../io/log.ts';
import { type RunningNode, runNode } from '../io/run-node.ts';
import type { Log } from '../ports/log.ts';
import { loadConfig } from './load-config.ts';
import { explainListenError } from './ports.ts';
import { addSettingOptions, settingFlags } from './setting-options.ts';
import { onStopSignals } from './signals.ts';

/** What is left of `shutdown-timeout` for the exit itself. */
const EXIT_GRACE_MS = 250;

/** `coterie start`: runs one node until it is told to stop. */
export function startCommand(): Command {
  const command = new Command('start').summary('run a node').description('Runs one node until SIGTERM or Ctrl-C.');
  addSettingOptions(command);
  command.addOption(new Option(`--${END_WITH_PARENT}`).hideHelp());
  return command.action(() => start(command));
}

/** The flag for a node that its parent ends: it ignores Ctrl-C, and stops when the parent is gone. */
export const END_WITH_PARENT = 'end-with-parent';

async function start(command: Command): Promise<void> {
  const options = command.opts<{ config?: string; endWithParent?: boolean }>();
  const config = loadConfig(settingFlags(command), options.config);
  const log = createLog(config);
  warnOfOpenDoors(config, log);

  // From here on a signal must not kill a node that is half started.
  let stopping = false;
  const started = runNode(config, log);
  const stop = (reason: string) => {
    if (stopping) return;
    stopping = true;
    void drainAndExit(started, config, log, reason);
  };
  const endWithParent = options.endWithParent === true;
  onStopSignals(stop, exitAtOnce(log), endWithParent ? ['SIGINT', 'SIGHUP'] : []);
  if (endWithParent) process.once('disconnect', () => stop('its parent is gone'));

  try {
    await started;
  } catch (error) {
    throw explainListenError(error);
  }
}

async function drainAndExit(started: Promise<RunningNode>, config: Config, log: Log, reason: string): Promise<void> {
  log.info('stopping', { reason });
  const timer = setTimeout(
    () => {
      log.warn('stopped before everything in flight was answered', { afterMs: config.shutdownTimeoutMs });
      process.exit(0);
    },
    Math.max(0, config.shutdownTimeoutMs - EXIT_GRACE_MS),
  );
  try {
    await (await started).drain();
  } catch (error) {
    log.error('stopping failed', { error: String(error) });
  }
  clearTimeout(timer);
  log.info('stopped');
  process.exit(0);
}

function exitAtOnce(log: Log): (signal: string) => void {
  return signal => {
    log.warn('told twice to stop: exits at once', { signal });
    process.exit(1);
  };
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
