use std::os::unix::net::UnixStream;

use crate::folder::{private, write_private};
use crate::keeper::Keeper;
use crate::owner::Owner;
use crate::{Server, programs};

/// A running PgBouncer in transaction mode before a server. It stops when this is dropped.
///
/// It has fewer connections to the server than tests have to it, so sessions go from one client to
/// the other after each transaction.
#[derive(Debug)]
pub struct Pooler {
    keeper: Keeper,
    port: u16,
}

impl Pooler {
    /// Starts a pooler from the program that this machine has, or gets on Debian.
    ///
    /// # Errors
    /// If there is no such program, or it fails.
    pub fn start(server: &Server) -> Result<Pooler, String> {
        let program = programs::pooler()?;
        let owner = Owner::of_servers()?;
        let folder = private(owner)?;
        let port = server.port();
        let (own, of_server) = (folder.path().display(), server.folder().display());
        let settings = format!(
            "[databases]
* = host={of_server} port={port}
[pgbouncer]
pool_mode = transaction
default_pool_size = 6
max_client_conn = 1000
listen_addr =
listen_port = {port}
unix_socket_dir = {own}
auth_type = trust
auth_file = {own}/users
"
        );
        let file = folder.path().join("pgbouncer.ini");
        write_private(&file, owner, &settings)?;
        write_private(&folder.path().join("users"), owner, "\"postgres\" \"\"\n")?;
        let command = [program.as_os_str(), file.as_os_str()];
        let keeper = Keeper::start(owner, folder, "TERM", &command)?;
        let socket = keeper.folder().join(format!(".s.PGSQL.{port}"));
        keeper.wait_until(|| UnixStream::connect(&socket).is_ok())?;
        Ok(Pooler { keeper, port })
    }

    /// Returns where the server is reached through the pooler, as its superuser.
    #[must_use]
    pub fn url(&self) -> String {
        let folder = self.keeper.folder().display();
        format!("postgres:///postgres?host={folder}&port={}&user=postgres", self.port)
    }
}
