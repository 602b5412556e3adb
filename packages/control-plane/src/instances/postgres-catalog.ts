// The catalog of instances as a table in PostgreSQL, by its clock.
import type { Row } from '../store/postgres/connection.ts';
import type { Pool } from '../store/postgres/pool.ts';
import type { CatalogTable } from './catalog.ts';
import type { KnownInstance } from './instances.ts';

const columns = `
  i.id, i.hostname, i.address, i.port, i.version, i.start_time, i.proxies,
  (extract(epoch from clock_timestamp() - i.seen) * 1000)::float8 as silence,
  exists (select from ursa.lease l where l.ends > clock_timestamp() and starts_with(l.holder, i.id || '/')) as leader`;

const readAll = `select ${columns} from ursa.instances i order by i.id`;

// The table is read as it was before: the instance itself is known to whoever asks.
const beatAndRead = `
with beat as (
  insert into ursa.instances(id, hostname, address, port, version, start_time, proxies, seen)
  values($1, $2, $3, $4, $5, $6, $7, clock_timestamp())
  on conflict (id) do update set address = excluded.address, port = excluded.port, proxies = excluded.proxies, seen = excluded.seen
), swept as (
  delete from ursa.instances where seen < clock_timestamp() - interval '1 hour' and id <> $1
)
${readAll}`;

/** The table. A holder of the lease is named by its instance: `<id>/<anything>`. */
export function postgresCatalog(connections: Pick<Pool, 'use'>): CatalogTable {
  return {
    async beat(instance, goneAfter) {
      const { id, hostname, address, port, version, startTime, proxies } = instance;
      const values = [id, hostname, address, port, version, startTime, proxies];
      const rows = await connections.use((connection) => connection.query(beatAndRead, values));
      const before = rows.map(instanceOf);
      const own = before.find((each) => each.id === id);
      const all = [
        ...before.filter((each) => each.id !== id),
        { ...instance, leader: own?.leader ?? false, silence: 0 },
      ];
      return { all: sorted(all), wasKnown: own !== undefined && own.silence < goneAfter };
    },
    async read() {
      const rows = await connections.use((connection) => connection.query(readAll));
      return rows.map(instanceOf);
    },
    async leave(id) {
      await connections.use((connection) => connection.query('delete from ursa.instances where id = $1', [id]));
    },
  };
}

function instanceOf(row: Row): KnownInstance {
  return {
    id: String(row.id),
    hostname: String(row.hostname),
    address: String(row.address),
    port: Number(row.port),
    version: String(row.version),
    startTime: String(row.start_time),
    proxies: Number(row.proxies),
    leader: row.leader === true,
    silence: Math.max(0, Number(row.silence)),
  };
}

function sorted(all: readonly KnownInstance[]): readonly KnownInstance[] {
  return all.toSorted((one, other) => (one.id < other.id ? -1 : 1));
}
