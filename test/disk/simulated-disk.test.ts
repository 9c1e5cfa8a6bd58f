import { SeededRandom } from '../../src/lib/seeded-random.ts';
import { NO_DISK_FAULTS, SimulatedDrive } from '../../src/sim/simulated-drive.ts';
import { VirtualTime } from '../../src/sim/virtual-clock.ts';
import { describeDisk } from './conformance.ts';

describeDisk(
  'SimulatedDisk',
  async () => {
    const time = new VirtualTime();
    const drive = new SimulatedDrive(new SeededRandom(1), time, NO_DISK_FAULTS);
    const pass = () => time.run(time.nowMs + 10_000, () => false);
    return {
      open: async name => drive.open(name),
      crash: async name => drive.crash(name),
      damage: async (name, key) => drive.store(name).damage(Buffer.from(key).toString('latin1')),
      tear: async name => {
        const store = drive.store(name);
        store.loseTail(1);
        store.lost = undefined;
        store.torn = 'the last batch is broken off';
      },
      placeOf: name => name,
      setSchemaVersion: async (name, version) => {
        drive.store(name).schemaVersion = version;
      },
      setFull: isFull => {
        drive.isFull = isFull;
      },
      pass,
      end: async () => {},
    };
  },
  true,
);
