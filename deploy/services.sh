# What scripts need from the machine: found where it runs, else started, else installed. Sourced, not run.

say() { printf '\n== %s\n' "$*" >&2; }
fail() { printf 'error: %s\n' "$*" >&2; exit 69; }
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null; then sudo "$@"; else fail "$1 needs root: run it yourself, or install sudo"; fi; }

# install PACKAGE…: from the distribution, asking nothing.
install() {
  command -v apt-get >/dev/null || fail "please install: $*"
  say "installing $*"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >&2
}

# answers HOST PORT: whether somebody takes connections there.
answers() { (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null; }

# until_answers HOST PORT WHAT
until_answers() {
  for _ in $(seq 120); do answers "$1" "$2" && return; sleep 0.5; done
  fail "$3 does not answer at $1:$2"
}

# place URL DEFAULT_PORT: prints host and port.
place() {
  local rest="${1#*://}"
  rest="${rest##*@}"; rest="${rest%%/*}"; rest="${rest%%\?*}"
  case "$rest" in *:*) echo "${rest%:*} ${rest##*:}" ;; *) echo "$rest $2" ;; esac
}

compose() { docker compose --project-name data-connector --file deploy/compose.yaml "$@"; }
has_docker() { command -v docker >/dev/null && docker info >/dev/null 2>&1 && docker compose version >/dev/null 2>&1; }

# Sets AMQP_URL, and rabbitmq_started to how the broker was started, if it was.
need_rabbitmq() {
  rabbitmq_started=""
  if [ -n "${AMQP_URL:-}" ]; then
    local at; read -ra at <<<"$(place "$AMQP_URL" 5672)"
    answers "${at[0]}" "${at[1]}" || fail "RabbitMQ does not answer at ${at[0]}:${at[1]}, where AMQP_URL says it is"
    return
  fi
  export AMQP_URL="amqp://guest:guest@127.0.0.1:5672"
  answers 127.0.0.1 5672 && return
  if has_docker; then
    say "starting RabbitMQ with Docker Compose"
    compose up --detach rabbitmq >&2
    rabbitmq_started="compose"
  else
    command -v rabbitmq-server >/dev/null || [ -x /usr/sbin/rabbitmq-server ] || install rabbitmq-server
    if ! answers 127.0.0.1 5672; then
      say "starting RabbitMQ"
      as_root env PATH="$PATH:/usr/sbin" rabbitmq-server -detached >&2
      rabbitmq_started="package"
    fi
  fi
  until_answers 127.0.0.1 5672 RabbitMQ
}

stop_rabbitmq() {
  case "$rabbitmq_started" in
    compose) compose rm --stop --force --volumes rabbitmq >&2 ;;
    package) as_root env PATH="$PATH:/usr/sbin" rabbitmqctl --quiet shutdown >&2 ;;
  esac
}

# Sets DATABASE_URL_ADMIN.
need_postgresql() {
  if [ -n "${DATABASE_URL_ADMIN:-}" ]; then return; fi
  if ! answers 127.0.0.1 5432; then
    ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || install postgresql
    if ! answers 127.0.0.1 5432; then
      say "starting PostgreSQL"
      as_root pg_ctlcluster --skip-systemctl-redirect "$(ls /etc/postgresql | tail -n 1)" main start
      until_answers 127.0.0.1 5432 PostgreSQL
    fi
  fi
  command -v psql >/dev/null || install postgresql-client
  export DATABASE_URL_ADMIN="postgres://$(id -un)@127.0.0.1:5432/postgres"
  psql "$DATABASE_URL_ADMIN" -qc 'SELECT 1' >/dev/null 2>&1 && return
  # A fresh server lets nobody in but its own user: make one for the tests.
  export DATABASE_URL_ADMIN="postgres://dc_tests:dc_tests@127.0.0.1:5432/postgres"
  psql "$DATABASE_URL_ADMIN" -qc 'SELECT 1' >/dev/null 2>&1 && return
  as_root su postgres -c "psql -qc \"CREATE ROLE dc_tests LOGIN CREATEDB PASSWORD 'dc_tests'\"" >&2
  psql "$DATABASE_URL_ADMIN" -qc 'SELECT 1' >/dev/null || fail "PostgreSQL at 127.0.0.1:5432 lets nobody in; set DATABASE_URL_ADMIN"
}

need_node() {
  if ! command -v node >/dev/null || ! command -v npm >/dev/null; then install nodejs npm; fi
  local major; major="$(node --version | sed 's/v\([0-9]*\).*/\1/')"
  [ "$major" -ge 18 ] || fail "Node.js $(node --version) is too old; 18 or newer is needed"
}

# The calls that the API's page shows are made in each of its languages.
need_languages() {
  command -v curl >/dev/null || install curl
  command -v python3 >/dev/null || install python3
  command -v php >/dev/null || install php-cli
  # A file of source text runs without being compiled first from version 11 on, and only where there is a compiler.
  command -v javac >/dev/null || install default-jdk-headless
}

# need_schemathesis FOLDER: requests are made of the OpenAPI document. FOLDER is a virtual environment of Python.
need_schemathesis() {
  local version="4.32.5"
  SCHEMATHESIS="$1/bin/schemathesis"; export SCHEMATHESIS
  [ "$("$SCHEMATHESIS" --version 2>/dev/null)" = "schemathesis, version $version" ] && return
  python3 -c 'import ensurepip, venv' 2>/dev/null || install python3 python3-venv
  say "installing schemathesis"
  python3 -m venv "$1"
  "$1/bin/pip" install --quiet --disable-pip-version-check "schemathesis==$version"
}

# Pages are tested in a browser.
need_chromium() {
  command -v chromium >/dev/null || install chromium
  CHROMIUM="$(command -v chromium)"; export CHROMIUM
}

# The schema of models is checked with the validator that people use.
need_xmllint() {
  command -v xmllint >/dev/null || install libxml2-utils
}

# What reading a model costs is counted in instructions.
need_valgrind() {
  command -v valgrind >/dev/null || install valgrind
}

need_nextest() {
  cargo nextest --version >/dev/null 2>&1 || { say "installing cargo-nextest"; cargo install --locked --debug cargo-nextest; }
}
