/**
 * A plugin of Stryker that leaves the words of assertions and errors as they are: they are for people, and promise nothing
 * that a test should pin. Conditions, and which error is thrown, are mutated.
 */
const TEXTS = new Set(['StringLiteral', 'TemplateLiteral']);

/** Given a place in Babel's syntax tree. */
function shouldIgnore({ node, parentPath }) {
  const failure = parentPath?.node.callee?.name;
  if (failure === undefined || !TEXTS.has(node.type)) return undefined;
  return failure === 'assert' || failure.endsWith('Error') ? 'the words of a failure promise nothing' : undefined;
}

export const strykerPlugins = [{ kind: 'Ignore', name: 'failure-texts', value: { shouldIgnore } }];
