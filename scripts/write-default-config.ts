import { writeFileSync } from 'node:fs';
import { defaultFile } from '../src/config/default-file.ts';

// Run by `npm run config:write`; a test fails while config/coterie.yaml is not what this writes.
writeFileSync(new URL('../config/coterie.yaml', import.meta.url), defaultFile());
