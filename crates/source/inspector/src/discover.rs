//! Is there an inspector behind a port, and what does it offer?

use std::time::Duration;

use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper::{Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::endpoint::Endpoint;
use crate::error::InspectorError;

/// A real answer has a few hundred bytes; whatever sends more is no inspector.
const BODY_LIMIT: usize = 1 << 20;

/// Answer of `/json/version`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Version {
    /// `node.js/v20.20.2`.
    #[serde(rename = "Browser")]
    pub browser: String,
    /// `1.1`.
    #[serde(rename = "Protocol-Version", default)]
    pub protocol: String,
}

impl Version {
    /// `v20.20.2`, when it is a Node.
    pub fn node(&self) -> Option<&str> {
        self.browser.strip_prefix("node.js/")
    }
}

/// One entry of `/json/list`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TargetInfo {
    /// The target's UUID.
    pub id: String,
    /// Usually the script's path.
    #[serde(default)]
    pub title: String,
    /// `node`.
    #[serde(rename = "type", default)]
    pub kind: String,
    /// `file://` URL of the script.
    #[serde(default)]
    pub url: String,
    /// Where to connect.
    #[serde(default)]
    pub web_socket_debugger_url: Option<String>,
}

/// Asks `/json/version`.
///
/// # Errors
/// [`InspectorError::NotInspector`] for any other kind of server (also one that stays silent),
/// [`InspectorError::Unreachable`] when nothing listens.
pub async fn version(endpoint: &Endpoint, patience: Duration) -> Result<Version, InspectorError> {
    let version: Option<Version> = get(endpoint, "/json/version", patience).await?;
    version.ok_or_else(|| not_inspector(endpoint, "it has no /json/version"))
}

/// Asks `/json/list`.
///
/// # Errors
/// As [`version`], and [`InspectorError::NoTarget`] when the inspector hides its list.
pub async fn targets(endpoint: &Endpoint, patience: Duration) -> Result<Vec<TargetInfo>, InspectorError> {
    let list: Option<Vec<TargetInfo>> = get(endpoint, "/json/list", patience).await?;
    list.ok_or_else(|| InspectorError::NoTarget { address: endpoint.to_string() })
}

/// Confirms that an inspector answers and returns its first target's WebSocket URL.
///
/// # Errors
/// As [`version`] and [`targets`].
pub async fn websocket_url(endpoint: &Endpoint, patience: Duration) -> Result<String, InspectorError> {
    version(endpoint, patience).await?;
    let list = targets(endpoint, patience).await?;
    let id = list.into_iter().map(|target| target.id).find(|id| !id.is_empty());
    // Built from our own address: behind a port forward the inspector does not know how it is reached.
    id.map(|id| format!("ws://{endpoint}/{id}"))
        .ok_or_else(|| InspectorError::NoTarget { address: endpoint.to_string() })
}

/// `None` is a 404.
async fn get<T: DeserializeOwned>(
    endpoint: &Endpoint,
    path: &str,
    patience: Duration,
) -> Result<Option<T>, InspectorError> {
    let (stream, host) = endpoint.open(patience).await?;
    let exchange = async {
        let fail = |error: hyper::Error| not_inspector(endpoint, &describe(&error));
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(fail)?;
        let request = Request::get(path)
            .header(header::HOST, host.to_string())
            .body(Empty::<Bytes>::new())
            .map_err(|error| not_inspector(endpoint, &error.to_string()))?;
        let ask = async {
            let response = sender.send_request(request).await.map_err(fail)?;
            let status = response.status();
            let body = Limited::new(response.into_body(), BODY_LIMIT)
                .collect()
                .await
                .map_err(|error| not_inspector(endpoint, &error.to_string()))?;
            Ok((status, body.to_bytes()))
        };
        // The connection only makes progress while polled, and ends with this function.
        tokio::pin!(connection);
        tokio::pin!(ask);
        tokio::select! {
            answer = &mut ask => answer,
            ended = &mut connection => match ended {
                Err(error) => Err(not_inspector(endpoint, &describe(&error))),
                Ok(()) => ask.await,
            },
        }
    };
    let (status, body) = match tokio::time::timeout(patience, exchange).await {
        Ok(answer) => answer?,
        Err(_) => return Err(not_inspector(endpoint, &format!("no HTTP answer within {patience:?}"))),
    };
    match status {
        StatusCode::OK => {}
        StatusCode::NOT_FOUND => return Ok(None),
        other => return Err(not_inspector(endpoint, &format!("it answered {other}"))),
    }
    serde_json::from_slice(&body)
        .map(Some)
        .map_err(|_| not_inspector(endpoint, "its answer is not the expected JSON"))
}

fn not_inspector(endpoint: &Endpoint, detail: &str) -> InspectorError {
    InspectorError::NotInspector { address: endpoint.to_string(), detail: detail.to_owned() }
}

fn describe(error: &hyper::Error) -> String {
    if error.is_parse() {
        "its answer is not HTTP".to_owned()
    } else if error.is_incomplete_message() || error.is_closed() || error.is_canceled() {
        "it hung up".to_owned()
    } else {
        error.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    /// A server that answers every connection with these bytes, or holds it open without a word.
    async fn server(answer: Option<Vec<u8>>) -> Endpoint {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let answer = answer.clone();
                tokio::spawn(async move {
                    let mut sink = [0; 1024];
                    let _ = stream.read(&mut sink).await;
                    match answer {
                        Some(bytes) => {
                            let _ = stream.write_all(&bytes).await;
                        }
                        None => tokio::time::sleep(Duration::from_secs(60)).await,
                    }
                });
            }
        });
        Endpoint::new("127.0.0.1", port)
    }

    fn http(status: &str, body: &str) -> Vec<u8> {
        format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
    }

    const SHORT: Duration = Duration::from_millis(400);

    #[tokio::test]
    async fn an_inspector_says_which_node_it_is() {
        let answer = http("200 OK", r#"{"Browser":"node.js/v20.20.2","Protocol-Version":"1.1"}"#);
        let version = version(&server(Some(answer)).await, SHORT).await.unwrap();
        assert_eq!(version.node(), Some("v20.20.2"));
    }

    #[tokio::test]
    async fn what_speaks_something_else_is_named_as_such() {
        let answers: Vec<Option<Vec<u8>>> = vec![
            Some(b"220 mail ready\r\n".to_vec()),
            Some(Vec::new()),
            Some(vec![0xff; 4096]),
            Some(http("200 OK", "<html>hello</html>")),
            Some(http("200 OK", r#"{"name":"a database"}"#)),
            Some(http("400 Bad Request", "")),
            Some(http("404 Not Found", "")),
            Some(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nshort".to_vec()),
            Some(http("200 OK", &" ".repeat(BODY_LIMIT + 1))),
            None,
        ];
        for answer in answers {
            let what = answer.as_ref().map(|a| String::from_utf8_lossy(&a[..a.len().min(40)]).into_owned());
            let error = version(&server(answer).await, SHORT).await.unwrap_err();
            assert!(matches!(error, InspectorError::NotInspector { .. }), "{what:?}: {error:?}");
            assert!(error.to_string().contains("does not speak the inspector protocol"), "{error}");
        }
    }

    #[tokio::test]
    async fn a_closed_port_is_unreachable() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = Endpoint::new("127.0.0.1", listener.local_addr().unwrap().port());
        drop(listener);
        let error = version(&endpoint, SHORT).await.unwrap_err();
        assert!(matches!(error, InspectorError::Unreachable { .. }), "{error:?}");
    }
}
