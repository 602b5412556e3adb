// Tables of the store in PostgreSQL, and the steps from one form to the next. All of it lives in the schema `ursa`, apart from other programs'.

/** One step of the schema. Steps are never changed once released, only added. */
export interface SchemaStep {
  /** What it brings, for the report of `migrate`. */
  readonly name: string;
  readonly up: string;
  /** Back again. undefined: there is nothing before this step. */
  readonly down: string | undefined;
}

/** Notifications of new changes: `<revision> <commit id>`. */
export const changesChannel = 'ursa_changes';

/** Rows kept in the log of changes, at least. */
export const keptChanges = 10_000;

/**
 * Content stands as `json`, which keeps the text as it was written: `jsonb` cannot hold every string, U+0000 for one. Keys compare as bytes,
 * because an index in a language's order is damaged when the operating system changes that order.
 */
const first: SchemaStep = {
  name: 'resources and the log of their changes',
  up: `
create table ursa.resources(
  type text collate "C" not null, mesh text collate "C" not null, name text collate "C" not null,
  version bigint not null, creation_time text not null, modification_time text not null,
  labels json not null, spec json not null, status json,
  primary key(type, mesh, name)
);
create table ursa.changes(
  revision bigint primary key, commit_id uuid not null, time timestamptz not null default now(),
  type text not null, mesh text not null, name text not null,
  version bigint, creation_time text, modification_time text, labels json, spec json, status json
);
create table ursa.head(
  single boolean primary key default true check (single), revision bigint not null, commit_id uuid
) with (fillfactor = 10);
insert into ursa.head(revision) values(0);

create function ursa.commit(expected bigint, id uuid, changed json) returns bigint language plpgsql as $body$
declare
  found bigint;
  newest bigint := expected + json_array_length(changed);
begin
  if newest = expected then
    return (select revision from ursa.head);
  end if;
  select revision into strict found from ursa.head for update;
  if found <> expected then
    return found;
  end if;
  insert into ursa.changes(revision, commit_id, type, mesh, name, version, creation_time, modification_time, labels, spec, status)
    select expected + c.position, id, c.type, c.mesh, c.name, c.version, c.creation_time, c.modification_time,
      c.labels::json, c.spec::json, c.status::json
    from rows from (json_to_recordset(changed) as (
      type text, mesh text, name text, version bigint, creation_time text, modification_time text, labels text, spec text, status text
    )) with ordinality as c(type, mesh, name, version, creation_time, modification_time, labels, spec, status, position);
  delete from ursa.resources r using ursa.changes c
    where c.revision > expected and c.version is null and r.type = c.type and r.mesh = c.mesh and r.name = c.name;
  insert into ursa.resources(type, mesh, name, version, creation_time, modification_time, labels, spec, status)
    select last.type, last.mesh, last.name, last.version, last.creation_time, last.modification_time, last.labels, last.spec, last.status
    from (
      select distinct on (type, mesh, name) * from ursa.changes
      where revision > expected order by type, mesh, name, revision desc
    ) as last
    where last.version is not null
    on conflict (type, mesh, name) do update set version = excluded.version, creation_time = excluded.creation_time,
      modification_time = excluded.modification_time, labels = excluded.labels, spec = excluded.spec, status = excluded.status;
  update ursa.head set revision = newest, commit_id = id;
  if newest / 1000 > expected / 1000 then
    delete from ursa.changes where revision <= newest - ${keptChanges};
  end if;
  perform pg_notify('${changesChannel}', newest || ' ' || id);
  return expected;
end
$body$;`,
  down: undefined,
};

/** Apart from the resources: what changes every few seconds while nothing happens must not wake those who follow the log. */
const instances: SchemaStep = {
  name: 'instances of the control plane, and the lease of their leader',
  up: `
create table ursa.lease(
  single boolean primary key default true check (single), holder text not null, term bigint not null, ends timestamptz not null
) with (fillfactor = 10);
create table ursa.instances(
  id text primary key, hostname text not null, address text not null, port integer not null, version text not null,
  start_time text not null, proxies integer not null, seen timestamptz not null
) with (fillfactor = 50);`,
  down: 'drop table ursa.instances; drop table ursa.lease;',
};

/** Step n brings the schema from version n to n + 1. */
export const schemaSteps: readonly SchemaStep[] = [first, instances];
