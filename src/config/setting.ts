import { z } from 'zod';
import { type Kind, type KindSchema, kinds } from './kinds.ts';

/** What `--help`, the default file and the error messages say of a setting. */
export interface Setting extends Kind {
  /** One sentence or two, without the default. */
  readonly help: string;
  /** The default as the file would write it; undefined where there is none or it depends on something else. */
  readonly fallback: string | undefined;
  /** In words, what holds when nothing is set and there is no `fallback`. */
  readonly otherwise: string | undefined;
  /** Never printed, and no flag: every user of the machine can read a process's flags. */
  readonly secret: boolean;
}

/** What is known of each setting, by its schema. */
export const settings = z.registry<Setting>();

function describe(kind: z.ZodType, own: Partial<Setting> & { readonly help: string }): Setting {
  return { ...kinds.get(kind)!, fallback: undefined, otherwise: undefined, secret: false, ...own };
}

/** A setting with a default, in the words of the file. */
export function setting<T>(kind: KindSchema<T>, fallback: string, help: string) {
  return kind.prefault(fallback).register(settings, describe(kind, { help, fallback }));
}

/** A setting that is undefined unless set; `otherwise` says what holds then. */
export function derived<T>(kind: KindSchema<T>, otherwise: string, help: string) {
  return kind.optional().register(settings, describe(kind, { help, otherwise }));
}

/** A setting without which the file is wrong. */
export function required<T>(kind: KindSchema<T>, help: string) {
  return kind.register(settings, describe(kind, { help }));
}

/** A password. Undefined unless set. */
export function hidden<T>(kind: KindSchema<T>, otherwise: string, help: string) {
  return kind.optional().register(settings, describe(kind, { help, otherwise, secret: true }));
}
