import { type Command, Option } from 'commander';
import { environmentName } from '../config/environment.ts';
import { configSchema, SECTIONS, type SettingName } from '../config/schema.ts';
import { settings } from '../config/setting.ts';
import { Failure } from './failure.ts';

/** Gives the command `--config` and a flag for every setting but the secrets and those named in `except`. */
export function addSettingOptions(command: Command, except: readonly SettingName[] = []): void {
  command.addOption(new Option('--config <file>', 'a file of settings, as in config/coterie.yaml (or COTERIE_CONFIG)'));
  for (const { title, names } of SECTIONS) {
    for (const name of names) {
      if (except.includes(name)) continue;
      const option = optionOf(name);
      if (option !== undefined) command.addOption(option.helpGroup(`${title}:`));
    }
  }
  const secrets = Object.entries(configSchema.shape).filter(([, schema]) => settings.get(schema)?.secret);
  for (const [name] of secrets) command.addOption(refusedSecret(name));
  const lines = secrets.map(([name, schema]) => `  ${environmentName(name)}: ${settings.get(schema)!.help}`);
  const why = 'Only in the environment or the file, because every user of a machine can read its flags:';
  command.addHelpText('after', `\n${why}\n${lines.join('\n')}`);
  command.addHelpText('after', '\nEvery setting may stand in the environment too: --bus-port is COTERIE_BUS_PORT.');
}

function optionOf(name: SettingName): Option | undefined {
  const { help, allowed, placeholder, fallback, otherwise, secret } = settings.get(configSchema.shape[name])!;
  if (secret) return undefined;
  const sentence = help.replace(/\.$/, '');
  const shownAllowed = placeholder.includes('|') ? '' : `${allowed}; `;
  return new Option(`--${name} <${placeholder}>`, `${sentence} (${shownAllowed}default: ${fallback ?? otherwise})`);
}

/** The flag that someone will try, so that the answer tells where the secret belongs. */
function refusedSecret(name: string): Option {
  return new Option(`--${name} <text>`).hideHelp().argParser(() => {
    throw new Failure(
      2,
      `--${name}: every user of a machine can read its flags; expected ${environmentName(name)} or a file`,
    );
  });
}

/** The settings that were given as flags, by name, as they were written. */
export function settingFlags(command: Command): Record<string, string> {
  const flags: Record<string, string> = {};
  for (const option of command.options) {
    const name = option.long?.slice(2) ?? '';
    const value: unknown = command.getOptionValue(option.attributeName());
    if (name in configSchema.shape && typeof value === 'string') flags[name] = value;
  }
  return flags;
}
