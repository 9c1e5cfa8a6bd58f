/**
 * A process with a disk, for tests that kill it or that it may die of: `write DIR` writes batch after batch and says each number once the batch
 * is durable; `read DIR` says what there is, as JSON; `close DIR` closes it, and says what code is loaded then; `fill DIR` writes until it is refused, says so, and tries again when it is sent a line.
 */
import { LevelDisk } from '../../src/io/disk/level-disk.ts';
import type { Disk } from '../../src/ports/disk.ts';
import { batchOf, type Found, scanAll } from './batches.ts';

const [mode, path = ''] = process.argv.slice(2);
const disk = await LevelDisk.open(path);
if ('kind' in disk) {
  await say(JSON.stringify({ failure: disk.kind } satisfies Found));
  process.exit(0);
}
if (mode === 'write') await write(disk);
else if (mode === 'fill') await fill(disk);
else if (mode === 'close') await close(disk);
else await say(JSON.stringify(await scanAll(disk)));
process.exit(0);

function say(text: string): Promise<void> {
  return new Promise(resolve => process.stdout.write(`${text}\n`, () => resolve()));
}

async function write(disk: Disk): Promise<void> {
  const { entries } = await scanAll(disk);
  for (let number = Number(entries?.['count'] ?? 0) + 1; ; number++) {
    batchOf(number, disk);
    await new Promise<void>(resolve => disk.flush(() => resolve()));
    await say(String(number));
  }
}

async function close(disk: Disk): Promise<void> {
  await new Promise<void>(resolve => disk.close(() => resolve()));
  await say(JSON.stringify((process.report.getReport() as { sharedObjects: string[] }).sharedObjects));
}

async function fill(disk: Disk): Promise<void> {
  for (let number = 1; ; number++) {
    disk.put(Buffer.from(`k${String(number).padStart(6, '0')}`), Buffer.alloc(20_000, 'v'));
    const failure = await new Promise(resolve => disk.flush(resolve));
    if (failure === undefined) continue;
    await say(
      JSON.stringify({ flushed: number - 1, failure, again: await new Promise(resolve => disk.retry(resolve)) }),
    );
    return;
  }
}
