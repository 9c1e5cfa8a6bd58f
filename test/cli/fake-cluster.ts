import { createServer, type Server, type Socket } from 'node:net';
import RedisParser from 'redis-parser';

const bulk = (text: string) => `$${Buffer.byteLength(text)}\r\n${text}\r\n`;
export const array = (items: readonly string[]) => `*${items.length}\r\n${items.join('')}`;
export const fields = (of: Readonly<Record<string, string>>) => array(Object.entries(of).flat().map(bulk));

/** A node that answers what it is told to, and takes down what it is asked. */
export class FakeCluster {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Words of each request, in latin1. */
  readonly asked: string[][] = [];
  /** `db/key` and the rest of its SET. */
  readonly held = new Map<string, readonly string[]>();
  keyspaces = [fields({ db: '0', name: 'eventual' }), fields({ db: '1', name: 'quorum' })];
  nodes = [fields({ name: 'n1', status: 'alive', myself: 'yes', client: '127.0.0.1:1' })];
  /** What is answered instead; undefined lets the request be. */
  answer: (words: readonly string[]) => string | undefined = () => undefined;

  private constructor(server: Server) {
    this.#server = server;
    server.on('connection', socket => this.#serve(socket));
  }

  static start(): Promise<FakeCluster> {
    const server = createServer();
    const cluster = new FakeCluster(server);
    return new Promise(resolve => server.listen(0, '127.0.0.1', () => resolve(cluster)));
  }

  get port(): string {
    return String((this.#server.address() as { port: number }).port);
  }

  stop(): void {
    this.#server.close();
    this.hangUp();
  }

  hangUp(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => {});
    let db = '0';
    const parser = new RedisParser({
      returnBuffers: true,
      returnReply: (request: readonly Buffer[]) => {
        const words = request.map(word => word.toString('latin1'));
        this.asked.push(words);
        const answer = this.answer(words);
        if (words[0] === 'SELECT' && answer === undefined) db = words[1]!;
        socket.write(answer ?? this.#answerTo(words, db));
      },
      returnError: () => {},
    });
    socket.on('data', chunk => parser.execute(chunk));
  }

  #answerTo([command, ...rest]: readonly string[], db: string): string {
    if (command === 'SET') this.held.set(`${db}/${rest[0]}`, rest.slice(1));
    if (rest[0] === 'KEYSPACES') return array(this.keyspaces);
    if (rest[0] === 'NODES') return array(this.nodes);
    if (rest[0] === 'BACKUP') return bulk(`/backups/${rest[1]}/n1`);
    return '+OK\r\n';
  }
}
