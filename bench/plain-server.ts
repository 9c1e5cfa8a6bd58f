/**
 * The least that Node.js can answer GET and SET with: `net`, `redis-parser` and a Map. It shows what the runtime and the
 * parser cost on their own, so that what coterie loses beyond it is known to be coterie's.
 *
 *     node bench/plain-server.ts PORT
 */
import { createServer } from 'node:net';
import RedisParser from 'redis-parser';

const CRLF = Buffer.from('\r\n');
const OK = Buffer.from('+OK\r\n');
const NIL = Buffer.from('$-1\r\n');
const UNKNOWN = Buffer.from('-ERR unknown command\r\n');
const EMPTY_LIST = Buffer.from('*0\r\n');

const values = new Map<string, Buffer>();

function answer([name, key, value]: readonly Buffer[], out: Buffer[]): void {
  switch (name!.toString('latin1').toUpperCase()) {
    case 'GET': {
      const found = values.get(key!.toString('latin1'));
      if (found === undefined) out.push(NIL);
      else out.push(Buffer.from(`$${found.length}\r\n`), found, CRLF);
      return;
    }
    case 'SET':
      // The parser's buffers are slices of what the socket read; kept, they would keep all of it.
      values.set(key!.toString('latin1'), Buffer.from(value!));
      out.push(OK);
      return;
    case 'PING':
    case 'SELECT':
      out.push(OK);
      return;
    case 'DBSIZE':
      out.push(Buffer.from(`:${values.size}\r\n`));
      return;
    case 'CONFIG':
      out.push(EMPTY_LIST);
      return;
    default:
      out.push(UNKNOWN);
  }
}

const server = createServer({ noDelay: true }, socket => {
  let out: Buffer[] = [];
  const parser = new RedisParser({
    returnBuffers: true,
    returnReply: (request: Buffer[]) => answer(request, out),
    returnError: () => socket.destroy(),
    returnFatalError: () => socket.destroy(),
  });
  socket.on('data', chunk => {
    parser.execute(chunk);
    if (out.length === 0) return;
    socket.write(out.length === 1 ? out[0]! : Buffer.concat(out));
    out = [];
  });
  socket.on('error', () => socket.destroy());
});
server.listen(Number(process.argv[2]), '127.0.0.1', () => process.stdout.write('listening\n'));
