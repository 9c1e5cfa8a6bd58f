const reports = `reports/mutation/${process.env.MUTATED_FOLDER}`;

export default {
  testRunner: 'vitest',
  vitest: { configFile: 'tools/mutation/vitest.config.ts' },
  plugins: ['@stryker-mutator/vitest-runner', './tools/mutation/failure-texts.mjs'],
  ignorers: ['failure-texts'],
  coverageAnalysis: 'perTest',
  timeoutMS: 5000,
  dryRunTimeoutMinutes: 30,
  // A mutant may ask for memory without end.
  testRunnerNodeArgs: ['--max-old-space-size=1500'],
  incremental: true,
  incrementalFile: `${reports}/incremental.json`,
  tsconfigFile: 'none, for TypeScript 7 has no interface that Stryker could read it with',
  ignorePatterns: ['bench', 'dist', 'docs/images', 'test/cli', 'test/e2e', 'tools/mutation/node_modules'],
  reporters: ['clear-text', 'html', 'json'],
  htmlReporter: { fileName: `${reports}/index.html` },
  jsonReporter: { fileName: `${reports}/report.json` },
  clearTextReporter: { logTests: false, reportTests: false, allowColor: false },
  thresholds: { high: 90, low: 80, break: 80 },
  warnings: { slow: false },
};
