/** What may be the name of a node, a zone, a keyspace or a backup; also as the name of a file it stands for nothing but itself. */
export const IDENTIFIER = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** The same for people. */
export const IDENTIFIER_RULE = '1 to 64 letters, digits, ".", "_" or "-", the first a letter or digit';
