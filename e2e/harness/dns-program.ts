// A DNS server that knows nothing of a mesh: `dns-program.ts <address> <name>=<ipv4> …`. Names that it was not given do not exist.
import { createSocket } from 'node:dgram';
import { decode, encode } from 'dns-packet';

const [address = '', ...entries] = process.argv.slice(2);
const known = new Map(entries.map((entry) => entry.split('=') as [string, string]));
const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
socket.on('message', (bytes, { port, address: asker }) => {
  const { id = 0, questions = [] } = decode(bytes);
  const [question] = questions;
  const data = known.get(question?.name ?? '');
  const nameError = 3;
  const answer = encode({
    ...{ id, type: 'response', questions, flags: data === undefined ? nameError : 0 },
    answers: question?.type === 'A' && data !== undefined ? [{ name: question.name, type: 'A', ttl: 1, data }] : [],
  });
  socket.send(answer, port, asker);
});
socket.bind(53, address);
