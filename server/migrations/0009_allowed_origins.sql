-- The origins whose pages may read in a browser what the server answers; '*' alone: any.
alter table applications
  add column allowed_origins text[] not null default '{}';
