//! Who only stands in the door keeps nobody out.

use super::*;

fn small() -> DoorLimits {
    DoorLimits {
        connections: 4,
        per_address: 4,
        part_time: Duration::from_millis(500),
        body_size: 1000,
        connection_time: Duration::from_secs(3),
    }
}

#[tokio::test]
async fn idle_connections_give_way() {
    let house = House::open().await;
    let mut idle = Vec::new();
    for n in 0..400 {
        let mut stream = TcpStream::connect(("127.0.0.1", house.port)).await.expect("connected");
        if n % 3 == 0 {
            stream.write_all(b"GET /admin HTTP/1.1\r\nhost: ").await.expect("written");
        } else if n % 3 == 1 {
            let head = b"POST /admin/login HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 5\r\n\r\nx";
            stream.write_all(head).await.expect("written");
        }
        idle.push(stream);
        if n % 100 == 99 {
            assert_eq!(house.get("/admin/login", "").await.status, 200, "after {n}");
        }
    }
}

#[tokio::test]
async fn slow_and_large_requests_end() {
    let house = House::with(Door::Machine, AdminFrom::OwnerDevices, small(), None).await;
    let slow_head = house.raw(b"GET /admin HTTP/1.1\r\nhost: 127").await;
    assert!(slow_head.is_empty() || slow_head.starts_with("HTTP/1.1 408"), "{slow_head}");
    let slow = b"POST /admin/login HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 9\r\n\r\nx";
    let slow_body = house.raw(slow).await;
    assert!(slow_body.starts_with("HTTP/1.1 408"), "{slow_body}");
    let large = house.post("/admin/login", "", &"x".repeat(1001)).await;
    assert_eq!(large.status, 413);
    let head = format!("GET /admin HTTP/1.1\r\nhost: 127.0.0.1\r\nx: {}\r\n\r\n", "x".repeat(20_000));
    let reply = Reply::of(&house.raw(head.as_bytes()).await);
    assert!(matches!(reply.status, 0 | 431), "{}", reply.text);
    assert_eq!(house.get("/admin/login", "").await.status, 200);
}

#[tokio::test]
async fn many_tries_at_once_are_many_and_pages_go_on_meanwhile() {
    let house = House::open().await;
    house.moved_in().await;
    let tries = (0..32).map(|_| house.log_in("not the one"));
    let (replies, page) = tokio::join!(futures_util::future::join_all(tries), house.get("/admin/login", ""));
    let heard = replies.iter().filter(|reply| reply.status == 403).count();
    assert!(replies.iter().all(|reply| matches!(reply.status, 403 | 429)));
    assert_eq!((heard, page.status), (3, 200));
}
