/** The Redis whose commands, replies and error texts these are; `INFO` and `HELLO` name it to clients. */
export const REDIS_VERSION = '7.0.15';

/**
 * What clients are told of the kind of server, in `INFO` and `HELLO`. Not `cluster`, although `CLUSTER` answers and
 * `cluster_enabled` is 1: clients that read `cluster` here stop to offer SELECT, which works.
 */
export const REDIS_MODE = 'standalone';
