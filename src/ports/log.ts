export type LogFields = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

/**
 * State changes of the node and the cluster, one line each, and none per request.
 * `event` is a short English sentence fragment; what varies goes into `fields`.
 */
export interface Log {
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
}
