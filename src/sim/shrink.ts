import { FAULT_KINDS, type FaultRates } from './faults.ts';
import type { SimulationOptions } from './options.ts';
import type { SimulationReport } from './report.ts';

/**
 * The faults that a violation needs: leaves out one kind after the other, and keeps those without which the same check
 * no longer fails. A dozen runs at most, each no longer than the one that failed.
 */
export function shrinkFaults(
  { options, violation }: SimulationReport,
  simulate: (options: SimulationOptions) => SimulationReport,
): FaultRates {
  let faults = options.faults;
  if (violation === undefined || violation.kind === 'idle') return faults;
  for (const kind of FAULT_KINDS) {
    if (faults[kind] === 0) continue;
    const fewer = { ...faults, [kind]: 0 };
    const again = simulate({ ...options, faults: fewer, log: undefined });
    if (again.violation?.kind === violation.kind) faults = fewer;
  }
  return faults;
}
