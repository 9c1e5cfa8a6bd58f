/** The environment's name of a setting: `bus-port` is `COTERIE_BUS_PORT`. */
export function environmentName(setting: string): string {
  return `${PREFIX}${setting.toUpperCase().replaceAll('-', '_')}`;
}

/** The inverse of `environmentName`. */
export function bareName(variable: string): string {
  return variable.slice(PREFIX.length).toLowerCase().replaceAll('_', '-');
}

const PREFIX = 'COTERIE_';

/** Names a file of settings; not a setting itself. */
export const CONFIG_FILE_VARIABLE = `${PREFIX}CONFIG`;

/**
 * The settings that the environment gives, by their names there. An empty variable is one that is not set: compose
 * files write `COTERIE_PASSWORD: ${PASSWORD:-}`.
 */
export function readEnvironment(env: Readonly<Record<string, string | undefined>>): Map<string, string> {
  const found = new Map<string, string>();
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith(PREFIX) || name === CONFIG_FILE_VARIABLE || !value) continue;
    if (!isServiceLink(name, value)) found.set(name, value);
  }
  return found;
}

/**
 * Kubernetes and Docker links put `COTERIE_PORT=tcp://10.0.0.1:6379`, `COTERIE_SERVICE_HOST=…` and their like into the
 * environment of every container beside a service called `coterie`. They are no settings.
 */
function isServiceLink(name: string, value: string): boolean {
  return /^(tcp|udp|sctp):\/\//.test(value) || /_SERVICE_(HOST|PORT)(_|$)|_PORT_\d+_(TCP|UDP|SCTP)(_|$)/.test(name);
}
