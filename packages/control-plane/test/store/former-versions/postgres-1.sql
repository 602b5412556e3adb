CREATE SCHEMA ursa;

CREATE FUNCTION ursa.commit(expected bigint, id uuid, changed json) RETURNS bigint
    LANGUAGE plpgsql
    AS $$
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
    delete from ursa.changes where revision <= newest - 10000;
  end if;
  perform pg_notify('ursa_changes', newest || ' ' || id);
  return expected;
end
$$;

CREATE TABLE ursa.changes (
    revision bigint NOT NULL,
    commit_id uuid NOT NULL,
    "time" timestamp with time zone DEFAULT now() NOT NULL,
    type text NOT NULL,
    mesh text NOT NULL,
    name text NOT NULL,
    version bigint,
    creation_time text,
    modification_time text,
    labels json,
    spec json,
    status json
);

CREATE TABLE ursa.head (
    single boolean DEFAULT true NOT NULL,
    revision bigint NOT NULL,
    commit_id uuid,
    CONSTRAINT head_single_check CHECK (single)
)
WITH (fillfactor='10');

CREATE TABLE ursa.resources (
    type text NOT NULL COLLATE pg_catalog."C",
    mesh text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL COLLATE pg_catalog."C",
    version bigint NOT NULL,
    creation_time text NOT NULL,
    modification_time text NOT NULL,
    labels json NOT NULL,
    spec json NOT NULL,
    status json
);

CREATE TABLE ursa.schema_version (
    version integer NOT NULL,
    name text NOT NULL,
    applied timestamp with time zone DEFAULT now() NOT NULL
);

INSERT INTO ursa.changes VALUES (1, '00000000-0000-4000-8000-000000000001', '2026-11-28 21:11:21.653042+00', 'MeshTimeout', 'default', 'kept', 1, '2026-11-28T12:00:00.000Z', '2026-11-28T12:00:00.000Z', '{"team":"web"}', '{"content":{"text":"zwölf \u0000 \"x\"","list":[1,null]}}', NULL);
INSERT INTO ursa.changes VALUES (2, '00000000-0000-4000-8000-000000000001', '2026-11-28 21:11:21.653042+00', 'MeshTimeout', 'default', 'gone', 1, '2026-11-28T12:00:00.000Z', '2026-11-28T12:00:00.000Z', '{}', '{"content":1}', NULL);
INSERT INTO ursa.changes VALUES (3, '00000000-0000-4000-8000-000000000001', '2026-11-28 21:11:21.653042+00', 'MeshTimeout', 'default', 'changed', 1, '2026-11-28T12:00:00.000Z', '2026-11-28T12:00:00.000Z', '{}', '{"content":1}', NULL);
INSERT INTO ursa.changes VALUES (4, '00000000-0000-4000-8000-000000000002', '2026-11-28 21:11:21.661167+00', 'MeshTimeout', 'default', 'gone', NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO ursa.changes VALUES (5, '00000000-0000-4000-8000-000000000002', '2026-11-28 21:11:21.661167+00', 'MeshTimeout', 'default', 'changed', 2, '2026-11-28T12:00:00.000Z', '2026-11-28T12:00:00.000Z', '{}', '{"content":2}', NULL);

INSERT INTO ursa.head VALUES (true, 5, '00000000-0000-4000-8000-000000000002');

INSERT INTO ursa.resources VALUES ('MeshTimeout', 'default', 'kept', 1, '2026-11-28T12:00:00.000Z', '2026-11-28T12:00:00.000Z', '{"team":"web"}', '{"content":{"text":"zwölf \u0000 \"x\"","list":[1,null]}}', NULL);
INSERT INTO ursa.resources VALUES ('MeshTimeout', 'default', 'changed', 2, '2026-11-28T12:00:00.000Z', '2026-11-28T12:00:00.000Z', '{}', '{"content":2}', NULL);

INSERT INTO ursa.schema_version VALUES (1, 'resources and the log of their changes', '2026-11-28 21:11:21.570514+00');

ALTER TABLE ONLY ursa.changes
    ADD CONSTRAINT changes_pkey PRIMARY KEY (revision);

ALTER TABLE ONLY ursa.head
    ADD CONSTRAINT head_pkey PRIMARY KEY (single);

ALTER TABLE ONLY ursa.resources
    ADD CONSTRAINT resources_pkey PRIMARY KEY (type, mesh, name);

ALTER TABLE ONLY ursa.schema_version
    ADD CONSTRAINT schema_version_pkey PRIMARY KEY (version);

